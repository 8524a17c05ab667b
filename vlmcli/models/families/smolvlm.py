"""SmolVLM and SmolVLM2.

Reference: huggingface/transformers, models/smolvlm/processing_smolvlm.py, DEFAULT_CHAT_TEMPLATE. A space follows
`User:` only where no picture does; a template in the file cannot know that of a conversation given to it as text, so
ours is taken always. llama.cpp puts what stands around the tiles of a picture.
"""

from vlmcli.core import Family
from vlmcli.models.families.reference import Reference

SMOLVLM = Family(
    name="smolvlm",
    chat_template=(
        "<|im_start|>"
        "{% set seen = namespace(picture=false) %}"
        "{% for message in messages %}"
        "{{ message.role | capitalize }}:"
        # Pictures stand in the first turn of the user.
        "{% if message.role == 'user' and not seen.picture %}{% set seen.picture = true %}{% else %} {% endif %}"
        "{{ message.content }}<end_of_utterance>{{ '\n' }}"
        "{% endfor %}"
        "Assistant:"
    ),
    stop=("<end_of_utterance>",),
    separator="",
)

REFERENCE = Reference(
    question="<|im_start|>User:<image>Q<end_of_utterance>\nAssistant:",
    with_system="<|im_start|>System: S<end_of_utterance>\nUser:<image>Q<end_of_utterance>\nAssistant:",
    second_turn=(
        "<|im_start|>User:<image>Q<end_of_utterance>\nAssistant: A<end_of_utterance>\n"
        "User: R<end_of_utterance>\nAssistant:"
    ),
    two_pictures="<|im_start|>User:<image><image>Q<end_of_utterance>\nAssistant:",
)
