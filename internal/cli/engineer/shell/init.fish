# forcemfa for fish: forcemfa shell-init fish | source
set -g __forcemfa_names \
    AWS_PROFILE AWS_DEFAULT_PROFILE AWS_REGION AWS_DEFAULT_REGION \
    AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_SECURITY_TOKEN \
    AWS_CREDENTIAL_EXPIRATION AWS_SESSION_EXPIRATION AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_CREDENTIALS_RELATIVE_URI \
    AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN \
    AWS_ROLE_SESSION_NAME

function forcemfa
    switch "$argv[1]"
        case use
            set -l vars (__forcemfa_export $argv[2..-1])
            or return
            if not string match -q 'set -gx FORCEMFA *' $vars
                printf '%s\n' $vars # not a session: the help, for example
                return
            end
            forcemfa unuse
            set -g __forcemfa_used 1
            for name in $__forcemfa_names
                test -n "$$name"; and set -g __forcemfa_old_$name $$name
            end
            for line in $vars
                eval $line
            end
            return 0 # set leaves the status of the command before it
        case unuse
            set -q __forcemfa_used; or set -q FORCEMFA; or return 0
            set -e FORCEMFA AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
            set -e AWS_CREDENTIAL_EXPIRATION AWS_SESSION_EXPIRATION
            set -q __forcemfa_used; or return 0
            set -e AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION __forcemfa_used
            for name in $__forcemfa_names
                set -l old __forcemfa_old_$name
                set -q $old; and set -gx $name $$old; and set -e $old
            end
            return 0
        case '*'
            command forcemfa $argv
    end
end

# __forcemfa_export runs export as if unuse had run: a failed use keeps the session.
function __forcemfa_export
    if set -q __forcemfa_used
        set -lx FORCEMFA
        set -lx AWS_PROFILE $__forcemfa_old_AWS_PROFILE
        set -lx AWS_DEFAULT_PROFILE $__forcemfa_old_AWS_DEFAULT_PROFILE
        set -lx AWS_REGION $__forcemfa_old_AWS_REGION
        set -lx AWS_DEFAULT_REGION $__forcemfa_old_AWS_DEFAULT_REGION
        set -lx AWS_ACCESS_KEY_ID $__forcemfa_old_AWS_ACCESS_KEY_ID
        set -lx AWS_SECRET_ACCESS_KEY $__forcemfa_old_AWS_SECRET_ACCESS_KEY
        set -lx AWS_SESSION_TOKEN $__forcemfa_old_AWS_SESSION_TOKEN
        set -lx AWS_SECURITY_TOKEN $__forcemfa_old_AWS_SECURITY_TOKEN
        set -lx AWS_CREDENTIAL_EXPIRATION $__forcemfa_old_AWS_CREDENTIAL_EXPIRATION
        set -lx AWS_SESSION_EXPIRATION $__forcemfa_old_AWS_SESSION_EXPIRATION
        set -lx AWS_CONTAINER_CREDENTIALS_FULL_URI $__forcemfa_old_AWS_CONTAINER_CREDENTIALS_FULL_URI
        set -lx AWS_CONTAINER_CREDENTIALS_RELATIVE_URI $__forcemfa_old_AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
        set -lx AWS_CONTAINER_AUTHORIZATION_TOKEN $__forcemfa_old_AWS_CONTAINER_AUTHORIZATION_TOKEN
        set -lx AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE $__forcemfa_old_AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE
        set -lx AWS_WEB_IDENTITY_TOKEN_FILE $__forcemfa_old_AWS_WEB_IDENTITY_TOKEN_FILE
        set -lx AWS_ROLE_ARN $__forcemfa_old_AWS_ROLE_ARN
        set -lx AWS_ROLE_SESSION_NAME $__forcemfa_old_AWS_ROLE_SESSION_NAME
        command forcemfa export --use --shell $fish_pid --format fish $argv
        return
    end
    command forcemfa export --use --shell $fish_pid --format fish $argv
end

# forcemfa_prompt prints "bob 3h12m", "bob" after use --renew, or nothing: for fish_prompt.
function forcemfa_prompt
    set -q FORCEMFA; or return 0
    if not set -q AWS_CREDENTIAL_EXPIRATION # use --renew
        printf '%s' $FORCEMFA
        return
    end
    set -l end (date -u -d $AWS_CREDENTIAL_EXPIRATION +%s 2>/dev/null; or date -j -u -f %Y-%m-%dT%H:%M:%SZ $AWS_CREDENTIAL_EXPIRATION +%s 2>/dev/null)
    if test -z "$end"
        printf '%s' $FORCEMFA
        return
    end
    set -l left (math -s0 "($end - "(date +%s)") / 60")
    if test $left -le 0
        printf '%s over' $FORCEMFA
    else
        printf '%s %dh%02dm' $FORCEMFA (math -s0 "$left / 60") (math "$left % 60")
    end
end
