# bash completion for usherd(8). Commands and options are asked of usherd itself, so that they are those it knows.

# _usherd_options [COMMAND [ACTION]]: the options that its help names.
_usherd_options() {
  usherd "$@" --help 2>/dev/null | sed -nE 's/^ +(-[a-zA-Z], ?)?(--[a-z][a-z-]*).*/\2/p'
}

# _usherd_commands [COMMAND]: the commands, or those below a command, that its help names.
_usherd_commands() {
  usherd ${1:+"$1"} --help 2>/dev/null | sed -nE '/^(Commands|Actions):/,/^$/ s/^ +([a-z]+)( .*)?$/\1/p'
}

_usherd() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command= action= i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case ${COMP_WORDS[i]} in
      --config) ((++i)) ;;
      -*) ;;
      *)
        if [[ -n $command ]]; then
          action=${COMP_WORDS[i]}
          break
        fi
        command=${COMP_WORDS[i]}
        ;;
    esac
  done
  # What follows submit and check are files; only these have actions.
  [[ $command == jobs || $command == rejects ]] || action=
  COMPREPLY=()
  if [[ $previous == --config ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_usherd_options $command $action)" -- "$current")
  elif [[ -n $action ]]; then
    return
  elif [[ -z $command ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_usherd_commands)" -- "$current")
  else
    case $command in
      submit | check)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        ;;
      *) mapfile -t COMPREPLY < <(compgen -W "$(_usherd_commands "$command")" -- "$current") ;;
    esac
  fi
}

complete -F _usherd usherd
