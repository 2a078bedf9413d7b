# forcemfa for fish: forcemfa shell-init fish | source
function forcemfa
    switch "$argv[1]"
        case use
            if test (count $argv) -gt 2
                echo "usage: forcemfa use [PROFILE]" >&2
                return 1
            end
            forcemfa unuse
            set -l vars (command forcemfa export --format fish $argv[2..-1])
            or return
            set -q AWS_REGION; or set -q AWS_DEFAULT_REGION; or set -g __forcemfa_region 1
            for line in $vars
                eval $line
            end
            if set -q argv[2]
                set -gx FORCEMFA $argv[2]
            else if set -q AWS_PROFILE
                set -gx FORCEMFA $AWS_PROFILE
            else
                set -gx FORCEMFA default
            end
            return 0 # set leaves the status of what was asked before it
        case unuse
            set -q FORCEMFA; or return 0
            set -e FORCEMFA AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
            set -e AWS_CREDENTIAL_EXPIRATION AWS_SESSION_EXPIRATION
            if set -q __forcemfa_region
                set -e AWS_REGION AWS_DEFAULT_REGION __forcemfa_region
            end
        case '*'
            command forcemfa $argv
    end
end

# forcemfa_prompt prints "bob 3h12m", or nothing: for fish_prompt.
function forcemfa_prompt
    set -q FORCEMFA; and set -q AWS_CREDENTIAL_EXPIRATION; or return 0
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
