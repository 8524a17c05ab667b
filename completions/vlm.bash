# bash completion of vlm; made by completions/generate.py
_vlm_completion() {
    local IFS=$'\n' word
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
        # Only names of files are quoted as such, and a folder gets no space behind it.
        if [[ $word == */* || -e $word ]] && type compopt >/dev/null 2>&1; then
            compopt -o filenames 2>/dev/null
        fi
        if [[ $word == *. ]] && type compopt >/dev/null 2>&1; then
            compopt -o nospace 2>/dev/null
        fi
    done < <(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD="$COMP_CWORD" _VLM_COMPLETE=complete_bash "$1" 2>/dev/null)
}
complete -F _vlm_completion vlm
