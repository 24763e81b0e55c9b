#compdef usherd
# zsh completion for usherd(8). Commands and options are asked of usherd itself, so that they are those it knows.

# _usherd_entries PATTERN [COMMAND]: "name:what it does" for each line of the help that the pattern takes.
_usherd_entries() {
  local pattern=$1
  shift
  usherd "$@" --help 2>/dev/null | sed -nE "$pattern"
}

_usherd() {
  local command= action= word
  local -i i
  local -a entries
  for ((i = 2; i < CURRENT; ++i)); do
    word=$words[i]
    if [[ $word == --config ]]; then
      ((++i))
    elif [[ $word != -* && -z $command ]]; then
      command=$word
    elif [[ $word != -* ]]; then
      action=$word
      break
    fi
  done
  # What follows submit and check are files; only these have actions.
  [[ $command == (jobs|rejects) ]] || action=
  if [[ $words[CURRENT-1] == --config ]]; then
    _files
  elif [[ $words[CURRENT] == -* ]]; then
    entries=(${(f)"$(_usherd_entries 's/^ +(-[a-zA-Z], ?)?(--[a-z][a-z-]*)[^ ]*( [A-Z]+)? *(.*)$/\2:\4/p' $command $action)"})
    _describe -o option entries
  elif [[ -n $action ]]; then
    _message 'no more arguments'
  elif [[ -z $command ]]; then
    entries=(${(f)"$(_usherd_entries '/^Commands:/,/^$/ s/^ +([a-z]+) +(.*)$/\1:\2/p')"})
    _describe command entries
  elif [[ $command == (submit|check) ]]; then
    _files
  else
    entries=(${(f)"$(_usherd_entries '/^(Commands|Actions):/,/^$/ s/^ +([a-z]+) +(.*)$/\1:\2/p' $command)"})
    (($#entries)) && _describe action entries
  fi
}

_usherd "$@"
