"""LLaVA on Llama 3 (xtuner's llava-llama-3-8b, JoyCaption). Reference: Meta's Llama 3 instruct format."""

from vlmcli.core import Family

LLAMA_3 = Family(
    name="llama-3",
    chat_template=(
        "{% for message in messages %}"
        "<|start_header_id|>{{ message.role }}<|end_header_id|>\n\n{{ message.content }}<|eot_id|>"
        "{% endfor %}"
        "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}"
    ),
    stop=("<|eot_id|>",),
    several_pictures=False,
)
