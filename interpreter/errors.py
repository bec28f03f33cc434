"""Every error the service raises on purpose.

* InterpreterError
    * SettingsError       the settings file or the command line is wrong
    * ModelError          a model is missing, damaged or cannot be fetched
    * ProtocolError       a client sent something that cannot be understood or is not allowed
    * BusyError           a limit is reached; trying again later may work
    * RecognitionError    speech could not be turned into text
    * TranslationError    text could not be turned into the other language
    * SynthesisError      text could not be spoken
    * PhoneError          a telephone line could not be had, or broke
    * StorageError        a database cannot be used

`code` is stable and machine-readable (`clients/PROTOCOL.md` lists those a client can meet); the
message is for people and never holds what somebody said, since it may be logged.
"""

import traceback


def trace(error: BaseException) -> str:
    """Kind of an unexpected error and where it arose, for logs; not its text, which may be speech.

    Of an `ExceptionGroup`, the first that is in it.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}"


class InterpreterError(Exception):
    """Root of the tree; `retryable` tells whether the same call may succeed later."""

    def __init__(self, code: str, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


class SettingsError(InterpreterError):
    """The settings file or the command line is wrong."""


class ModelError(InterpreterError):
    """A model is missing, damaged or cannot be fetched."""


class ProtocolError(InterpreterError):
    """A client sent something that cannot be understood or is not allowed.

    `fatal` tells that the connection is of no further use and is closed.
    """

    def __init__(
        self, code: str, message: str, *, retryable: bool = False, fatal: bool = False
    ) -> None:
        super().__init__(code, message, retryable=retryable)
        self.fatal = fatal


class BusyError(InterpreterError):
    """A limit is reached."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, retryable=True)


class RecognitionError(InterpreterError):
    """Speech could not be turned into text."""


class TranslationError(InterpreterError):
    """Text could not be turned into the other language."""


class SynthesisError(InterpreterError):
    """Text could not be spoken."""


class PhoneError(InterpreterError):
    """A telephone line could not be had, or broke."""


class StorageError(InterpreterError):
    """A database cannot be used."""
