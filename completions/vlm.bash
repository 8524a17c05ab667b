# bash completion of vlm; made by completions/generate.py
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
