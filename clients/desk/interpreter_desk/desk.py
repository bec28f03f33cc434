"""`interpreter desk`: takes part in a conversation with a microphone and a loudspeaker."""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from interpreter.audio import Samples, level, silence
from interpreter.channels import protocol
from interpreter.errors import InterpreterError, SettingsError
from interpreter.events import Party, TurnTaking

from .address import Address
from .connection import Connection, SpeechFrame
from .devices import all_devices, choose, first_rate, listing, sound
from .keyboard import keys
from .loudspeaker import Loudspeaker
from .rest import Staff, staff_key
from .screen import Screen
