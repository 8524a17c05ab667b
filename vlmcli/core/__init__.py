"""The nouns that travel between the rooms: frozen values, no behaviour beyond what they are.

ImageRef -> LoadedImage -> Request -> TextChunk … Finished -> Record
"""

from vlmcli.core.devices import Device, LlamaBuild
from vlmcli.core.events import (
    Answer,
    Confidence,
    Event,
    Failed,
    Finished,
    Note,
    Stage,
    StageName,
    StopReason,
    TextChunk,
    Timings,
)
from vlmcli.core.jobs import JobDone, JobEvent, JobNote, JobStage, JobText, JobThought
from vlmcli.core.measures import Measured
from vlmcli.core.models import Family, ModelFiles, ServedModel
from vlmcli.core.pages import Box, Eyes, Page, PagePiece, Reading, TextBlock, TextLine
from vlmcli.core.pictures import Difference, ImageRef, LoadedImage, Region
from vlmcli.core.records import SCHEMA_VERSION, PictureInfo, Record
from vlmcli.core.requests import (
    Choices,
    Detail,
    Form,
    Part,
    Pattern,
    Picture,
    Request,
    Role,
    Sampling,
    Says,
    Schema,
    Text,
    Turn,
)
from vlmcli.core.seen import Seen, Tile

__all__ = [
    "SCHEMA_VERSION",
    "Answer",
    "Box",
    "Choices",
    "Confidence",
    "Detail",
    "Device",
    "Difference",
    "Event",
    "Eyes",
    "Failed",
    "Family",
    "Finished",
    "Form",
    "ImageRef",
    "JobDone",
    "JobEvent",
    "JobNote",
    "JobStage",
    "JobText",
    "JobThought",
    "LlamaBuild",
    "LoadedImage",
    "Measured",
    "ModelFiles",
    "Note",
    "Page",
    "PagePiece",
    "Part",
    "Pattern",
    "Picture",
    "PictureInfo",
    "Reading",
    "Record",
    "Region",
    "Request",
    "Role",
    "Sampling",
    "Says",
    "Schema",
    "Seen",
    "ServedModel",
    "Stage",
    "StageName",
    "StopReason",
    "Text",
    "TextBlock",
    "TextChunk",
    "TextLine",
    "Tile",
    "Timings",
    "Turn",
]
