"""The errors a user can meet: each is one sentence, a hint with the next command to type, and an exit code.

They are raised low, where the cause is known, and printed once, in `vlmcli.cli.main`. In a run over several
pictures the same error becomes one failed record instead.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_SOME_FAILED = 1
EXIT_USAGE = 2
EXIT_PICTURE = 3
EXIT_MODEL = 4
EXIT_ENGINE = 5
EXIT_NOT_SURE = 6
"""No error: the answer was less likely than --min-confidence, and so there is none."""
EXIT_OUTPUT = 7
EXIT_SERVER = 8
EXIT_INTERRUPTED = 130


class VlmError(Exception):
    """One sentence about the user's thing, with `hint`: what to type or do next."""

    exit_code = EXIT_ENGINE
    kind = "error"

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


class UsageError(VlmError):
    """The command line does not make sense."""

    exit_code = EXIT_USAGE
    kind = "usage"


class PictureError(VlmError):
    """A picture could not be read."""

    exit_code = EXIT_PICTURE
    kind = "picture"


class PictureNotFound(PictureError):
    kind = "picture_not_found"


class PictureIsFolder(PictureError):
    """`folder`: its name, as it was typed."""

    kind = "picture_is_folder"

    def __init__(self, sentence: str, hint: str = "", folder: str = "") -> None:
        super().__init__(sentence, hint)
        self.folder = folder


class NotAPicture(PictureError):
    kind = "not_a_picture"


class PictureDamaged(PictureError):
    kind = "picture_damaged"


class PictureTooLarge(PictureError):
    kind = "picture_too_large"


class PictureUnreadable(PictureError):
    """The bytes are there but the system does not hand them over (permissions, a disk error)."""

    kind = "picture_unreadable"


class ModelError(VlmError):
    """A model is not chosen, not found, damaged, or its two files do not fit."""

    exit_code = EXIT_MODEL
    kind = "model"


class ModelNotChosen(ModelError):
    kind = "model_not_chosen"


class ModelNotFound(ModelError):
    kind = "model_not_found"


class ModelNotHere(ModelNotFound):
    """A model that is known and can be pulled, but is not on this machine. `name`: what to pull."""

    kind = "model_not_here"

    def __init__(self, sentence: str, hint: str = "", name: str = "") -> None:
        super().__init__(sentence, hint)
        self.name = name


class ModelAmbiguous(ModelError):
    """Several files of a repository would do, and nothing says which; the hint lists them as commands."""

    kind = "model_ambiguous"


class ModelGated(ModelError):
    """Its makers want their licence accepted, or a token that may read it."""

    kind = "model_gated"


class HubUnreachable(ModelError):
    """The Hub cannot be asked: no network, no such host, offline mode, or it fails again and again."""

    kind = "hub_unreachable"


class ModelDamaged(ModelError):
    kind = "model_damaged"


class ModelMismatch(ModelError):
    """A decoder and a projector that do not belong together, or files without vision."""

    kind = "model_mismatch"


class TemplateError(ModelError):
    """No chat template is known for this model, or it cannot be rendered."""

    kind = "chat_template"


class EngineError(VlmError):
    """llama.cpp could not do what it was asked."""

    exit_code = EXIT_ENGINE
    kind = "engine"


class DoesNotFit(EngineError):
    """The pictures and the question need more context or memory than there is."""

    kind = "does_not_fit"


class GpuNotToBeHad(EngineError):
    """What was asked of a GPU explicitly: it is not there, this build cannot use it, or the model does not fit."""

    kind = "gpu"


class NotWhole(EngineError):
    """The answer ended before it had the form that was asked for."""

    kind = "not_whole"


class OutOfTime(EngineError):
    """The time for a picture was over before there was a word of the answer."""

    kind = "timeout"


class PictureLost(EngineError):
    """The prompt came out without its picture: never answered, always refused."""

    kind = "picture_lost"


class ServerError(VlmError):
    """A server that answers for us does not do so as it should."""

    exit_code = EXIT_SERVER
    kind = "server"


class ServerUnreachable(ServerError):
    """It is not there: nothing listens, no such host, no network, no TLS."""

    kind = "server_unreachable"


class ServerRefused(ServerError):
    """It wants a key, or another one."""

    kind = "server_refused"


class ServerOutOfTime(ServerError):
    """As OutOfTime, of a server."""

    kind = "server_timeout"


class OutputError(VlmError):
    """The answer cannot be written where it was asked to go."""

    exit_code = EXIT_OUTPUT
    kind = "output"
