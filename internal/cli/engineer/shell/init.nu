# forcemfa for Nushell. In config.nu:
#   forcemfa shell-init nushell | save --force ($nu.data-dir | path join vendor autoload forcemfa.nu)
const forcemfa_session = [AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_SESSION_EXPIRATION]
const forcemfa_names = [
    AWS_PROFILE AWS_DEFAULT_PROFILE AWS_REGION AWS_DEFAULT_REGION AWS_SECURITY_TOKEN
    AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_SESSION_EXPIRATION
    AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
    AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE
    AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN AWS_ROLE_SESSION_NAME
]

# Set the session of a profile in this shell.
def --env --wrapped "forcemfa use" [...args] {
    # A failed use keeps the session of this shell: unuse runs in a scope of its own.
    let text = (do { forcemfa unuse; ^forcemfa export --use --shell $nu.pid --format env-no-export ...$args })
    if not ($text | str contains "FORCEMFA=") { # not a session: the help, for example
        print $text
        return
    }
    let new = ($text | lines | parse "{name}={value}" | update value {|row|
        if ($row.value | str starts-with "'") { $row.value | str substring 1..-2 | str replace --all "'\\''" "'" } else { $row.value }
    })
    # Not by unuse: after a command with --env, hide-env has no effect here.
    $env.forcemfa_old = ($env.forcemfa_old? | default ($forcemfa_names | where {|name| $name in $env } | each {|name| { name: $name, value: ($env | get $name) } }))
    hide-env ...($forcemfa_names | where {|name| $name in $env })
    load-env ($new | transpose --header-row --as-record)
}

# Remove the session of "forcemfa use" from this shell.
def --env "forcemfa unuse" [] {
    if "forcemfa_old" not-in $env {
        if "FORCEMFA" in $env { hide-env --ignore-errors FORCEMFA ...$forcemfa_session }
        return
    }
    let old = $env.forcemfa_old
    hide-env --ignore-errors FORCEMFA forcemfa_old AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION ...$forcemfa_session
    if ($old | is-not-empty) { load-env ($old | transpose --header-row --as-record) }
}

# "bob 3h12m", "bob" after use --renew, or nothing: for PROMPT_COMMAND.
def forcemfa_prompt [] {
    if "FORCEMFA" not-in $env { return "" }
    if "AWS_CREDENTIAL_EXPIRATION" not-in $env { return $env.FORCEMFA } # use --renew
    let left = ((($env.AWS_CREDENTIAL_EXPIRATION | into datetime) - (date now)) / 1min | math floor)
    if $left <= 0 { return $"($env.FORCEMFA) over" }
    $"($env.FORCEMFA) ($left // 60)h($left mod 60 | fill --alignment right --character '0' --width 2)m"
}
