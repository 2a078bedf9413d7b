# forcemfa for bash and zsh: eval "$(forcemfa shell-init bash)"
forcemfa() {
  case "${1-}" in
    use)
      shift
      if [ "$#" -gt 1 ]; then
        echo "usage: forcemfa use [PROFILE]" >&2
        return 1
      fi
      forcemfa unuse
      local __forcemfa_vars
      __forcemfa_vars="$(command forcemfa export --format env "$@")" || return
      [ -n "${AWS_REGION-}${AWS_DEFAULT_REGION-}" ] || __forcemfa_region=1
      eval "$__forcemfa_vars"
      export FORCEMFA="${1:-${AWS_PROFILE:-default}}"
      ;;
    unuse)
      [ -n "${FORCEMFA-}" ] || return 0
      unset FORCEMFA AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
      unset AWS_CREDENTIAL_EXPIRATION AWS_SESSION_EXPIRATION
      [ -z "${__forcemfa_region-}" ] || unset AWS_REGION AWS_DEFAULT_REGION __forcemfa_region
      ;;
    *)
      command forcemfa "$@"
      ;;
  esac
}

# forcemfa_prompt prints "bob 3h12m", or nothing: for PS1.
forcemfa_prompt() {
  [ -n "${FORCEMFA-}" ] && [ -n "${AWS_CREDENTIAL_EXPIRATION-}" ] || return 0
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
