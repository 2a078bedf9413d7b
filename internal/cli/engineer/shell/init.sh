# forcemfa for bash and zsh: eval "$(forcemfa shell-init bash)"
forcemfa() {
  case "${1-}" in
    use)
      shift
      local __forcemfa_new
      # A failed use keeps the session of this shell: unuse runs in a subshell.
      __forcemfa_new="$(forcemfa unuse; command forcemfa export --use --shell "$$" --format env "$@")" || return
      case "$__forcemfa_new" in
        *"export FORCEMFA="*) ;;
        *) # not a session: the help, for example
          printf '%s\n' "$__forcemfa_new"
          return ;;
      esac
      forcemfa unuse
      __forcemfa_old="$(__forcemfa_save)"
      eval "$__forcemfa_new"
      ;;
    unuse)
      [ -n "${__forcemfa_old+set}" ] || [ -n "${FORCEMFA-}" ] || return 0
      unset FORCEMFA AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
      unset AWS_CREDENTIAL_EXPIRATION AWS_SESSION_EXPIRATION
      if [ -n "${__forcemfa_old+set}" ]; then
        unset AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION
        eval "$__forcemfa_old"
        unset __forcemfa_old
      fi
      ;;
    *)
      command forcemfa "$@"
      ;;
  esac
}

# __forcemfa_save prints commands that restore the variables that use changes.
__forcemfa_save() {
  local __forcemfa_name __forcemfa_value
  for __forcemfa_name in AWS_PROFILE AWS_DEFAULT_PROFILE AWS_REGION AWS_DEFAULT_REGION \
    AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_SECURITY_TOKEN \
    AWS_CREDENTIAL_EXPIRATION AWS_SESSION_EXPIRATION \
    AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_CREDENTIALS_RELATIVE_URI \
    AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE \
    AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN AWS_ROLE_SESSION_NAME; do
    eval "__forcemfa_value=\"\${$__forcemfa_name-}\""
    [ -z "$__forcemfa_value" ] || printf 'export %s=%q\n' "$__forcemfa_name" "$__forcemfa_value"
  done
}

# forcemfa_prompt prints "bob 3h12m", "bob" after use --renew, or nothing: for PS1.
forcemfa_prompt() {
  [ -n "${FORCEMFA-}" ] || return 0
  [ -n "${AWS_CREDENTIAL_EXPIRATION-}" ] || { printf '%s' "$FORCEMFA"; return 0; } # use --renew
  if [ "${__forcemfa_end_of-}" != "$AWS_CREDENTIAL_EXPIRATION" ]; then
    __forcemfa_end_of="$AWS_CREDENTIAL_EXPIRATION"
    __forcemfa_end="$(date -u -d "$AWS_CREDENTIAL_EXPIRATION" +%s 2>/dev/null || date -j -u -f %Y-%m-%dT%H:%M:%SZ "$AWS_CREDENTIAL_EXPIRATION" +%s 2>/dev/null)"
  fi
  [ -n "$__forcemfa_end" ] || { printf '%s' "$FORCEMFA"; return 0; }
  local __forcemfa_left
  __forcemfa_left=$(( (__forcemfa_end - ${EPOCHSECONDS:-$(date +%s)}) / 60 ))
  if [ "$__forcemfa_left" -le 0 ]; then
    printf '%s over' "$FORCEMFA"
  else
    printf '%s %dh%02dm' "$FORCEMFA" $((__forcemfa_left / 60)) $((__forcemfa_left % 60))
  fi
}
