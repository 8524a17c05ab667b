# fish completion of vlm; made by completions/generate.py
function __vlm_complete
    env _VLM_COMPLETE=complete_fish _TYPER_COMPLETE_ARGS=(commandline -cp | string collect) vlm 2>/dev/null
end
complete --command vlm --no-files --keep-order --arguments "(__vlm_complete)"
