# forcemfa for PowerShell. In $PROFILE:
#   forcemfa shell-init powershell | Out-String | Invoke-Expression
# There is no function forcemfa: PowerShell removes -- from the arguments of functions.
$global:forcemfa_names = @(
    'AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_SECURITY_TOKEN',
    'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_CREDENTIAL_EXPIRATION', 'AWS_SESSION_EXPIRATION',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
    'AWS_CONTAINER_AUTHORIZATION_TOKEN', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
    'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN', 'AWS_ROLE_SESSION_NAME', 'FORCEMFA'
)
$global:forcemfa_old = $null

# Set the session of a profile in this shell.
function global:Enter-ForcemfaSession {
    $PSNativeCommandUseErrorActionPreference = $false
    $program = Get-Command -Name forcemfa -CommandType Application -TotalCount 1 -ErrorAction Stop
    # A failure keeps the session of this shell.
    $before, $old = (Get-ForcemfaVariable), $global:forcemfa_old
    Exit-ForcemfaSession
    $text = & $program export --use --shell $PID --format powershell @args | Out-String
    if ($LASTEXITCODE -ne 0 -or -not $text.Contains('$Env:FORCEMFA=')) {
        Set-ForcemfaVariable $before
        $global:forcemfa_old = $old
        if ($text) { $text.TrimEnd() } # the help, for example
        return
    }
    $global:forcemfa_old = Get-ForcemfaVariable
    Invoke-Expression $text
}

# Remove the session of Enter-ForcemfaSession from this shell.
function global:Exit-ForcemfaSession {
    if ($null -ne $global:forcemfa_old) {
        Set-ForcemfaVariable $global:forcemfa_old
        $global:forcemfa_old = $null
    } elseif ($Env:FORCEMFA) {
        $all = Get-ForcemfaVariable
        foreach ($name in 'FORCEMFA', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_CREDENTIAL_EXPIRATION', 'AWS_SESSION_EXPIRATION') {
            $all[$name] = $null
        }
        Set-ForcemfaVariable $all
    }
}

function global:Get-ForcemfaVariable {
    $all = @{}
    foreach ($name in $global:forcemfa_names) { $all[$name] = [Environment]::GetEnvironmentVariable($name) }
    $all
}

function global:Set-ForcemfaVariable($all) {
    foreach ($name in $global:forcemfa_names) {
        if ($all[$name]) { Set-Item "Env:$name" $all[$name] } else { Remove-Item "Env:$name" -ErrorAction Ignore }
    }
}

# "bob 3h12m", "bob" after --renew, or nothing: for the function prompt.
function global:Get-ForcemfaPrompt {
    if (-not $Env:FORCEMFA) { return '' }
    if (-not $Env:AWS_CREDENTIAL_EXPIRATION) { return $Env:FORCEMFA } # --renew
    $end = [DateTimeOffset]::Parse($Env:AWS_CREDENTIAL_EXPIRATION, [Globalization.CultureInfo]::InvariantCulture)
    $left = [int][Math]::Floor(($end - [DateTimeOffset]::UtcNow).TotalMinutes)
    if ($left -le 0) { return "$Env:FORCEMFA over" }
    '{0} {1}h{2:00}m' -f $Env:FORCEMFA, [int][Math]::Floor($left / 60), ($left % 60)
}
