"""The completion scripts of each shell. completions/ holds them as files, and the wheel installs those.

They speak typer's protocol, and do better with its answers: names with spaces are quoted by the shell, a folder gets no
space behind it, and nothing that the program prints is evaluated.
"""

from __future__ import annotations

_BASH = r"""# bash completion of vlm; made by completions/generate.py
_vlm_completion() {
    local IFS=$'\n' word words=() at=0 i last cut=
    # Readline takes NAME:QUANT for three words: they are put together here, and what stands already is cut off below.
    for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
        word=${COMP_WORDS[i]} last=$((${#words[@]} - 1))
        if ((i > 1)) && [[ ($word == :* || ${words[last]} == *:) && $COMP_LINE == *"${words[last]}$word"* ]]; then
            words[last]+=$word
        else
            words+=("$word")
        fi
        ((i == COMP_CWORD)) && at=$((${#words[@]} - 1))
    done
    if [[ ${words[at]} == *:* && $COMP_WORDBREAKS == *:* ]]; then
        cut=${words[at]%"${words[at]##*:}"}
    fi
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("${word#"$cut"}")
        # Only names of files are quoted as such, and a folder gets no space behind it.
        if [[ $word == */* || -e $word ]] && type compopt >/dev/null 2>&1; then
            compopt -o filenames 2>/dev/null
        fi
        if [[ $word == *. ]] && type compopt >/dev/null 2>&1; then
            compopt -o nospace 2>/dev/null
        fi
    done < <(env COMP_WORDS="${words[*]}" COMP_CWORD="$at" _VLM_COMPLETE=complete_bash "$1" 2>/dev/null)
}
complete -F _vlm_completion vlm
"""

_ZSH = r"""#compdef vlm
# zsh completion of vlm; made by completions/generate.py
_vlm_completion() {
    local line word help
    local -a described plain open home
    local answer="$(env _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" \
        _VLM_COMPLETE=complete_zsh "${words[1]}" 2>/dev/null)"
    for line in "${(@f)answer}"; do
        [[ -n $line ]] || continue
        word=${line%%$'\t'*}
        help=${line#*$'\t'}
        if [[ $word == '~'* ]]; then
            home+=("~${(q)word#\~}")
        elif [[ $word == */ || $word == *. || $word == *= ]]; then
            open+=("$word")
        elif [[ $help != "$line" ]]; then
            described+=("${word//:/\\:}:$help")
        else
            plain+=("$word")
        fi
    done
    local nothing=1
    (( $#open )) && compadd -S '' -- "${open[@]}" && nothing=0
    (( $#home )) && compadd -Q -S '' -- "${home[@]}" && nothing=0
    (( $#plain )) && compadd -- "${plain[@]}" && nothing=0
    (( $#described )) && _describe -V 'vlm' described && nothing=0
    return nothing
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _vlm_completion "$@"
else
    compdef _vlm_completion vlm
fi
"""

_FISH = r"""# fish completion of vlm; made by completions/generate.py
function __vlm_complete
    env _VLM_COMPLETE=complete_fish _TYPER_COMPLETE_ARGS=(commandline -cp | string collect) vlm 2>/dev/null
end
complete --command vlm --no-files --keep-order --arguments "(__vlm_complete)"
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def teach_typer() -> None:
    """Have --show-completion and --install-completion hand out these scripts instead of typer's general ones.

    The table is typer's own business; where it is not there any more, its scripts still work with our answers.
    """
    try:
        from typer._completion_shared import _completion_scripts
    except ImportError:
        return
    for shell, script in SCRIPTS.items():
        _completion_scripts[shell] = script.replace("%", "%%")
