# bash completion for omnihook(1).
_omnihook() {
    local current=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]-} words=
    if ((COMP_CWORD == 1)); then
        words="check status plan execute report abort queue workers dead events key --help --version"
    elif [[ $command == dead ]] && ((COMP_CWORD == 2)); then
        words="list retry drop"
    elif [[ $command == key ]] && ((COMP_CWORD == 2)); then
        words="new"
    else
        case $command in
        status) words="--watch --json --help" ;;
        execute) words="--wait --json --help" ;;
        dead) words="--all --json --help" ;;
        *) words="--json --help" ;;
        esac
        case $command in
        # The accounts are those of the settings; where those cannot be read there is nothing to offer.
        check | status | plan | execute | report | abort)
            ((COMP_CWORD == 2)) && words+=" $(omnihook status --json 2>/dev/null | sed -nE 's/^\{"account": ?"([a-z0-9._-]+)".*/\1/p' | head -1000)"
            ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _omnihook omnihook
