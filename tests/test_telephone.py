"""The telephone refuses settings that are of no use at start, not at the first call."""

from dataclasses import replace

import pytest

from interpreter.channels.phone.settings import PhoneSettings
from interpreter.channels.phone.sip import SipSettings
from interpreter.connection import ConversationLimits, Engines
from interpreter.errors import SettingsError
from interpreter.reception import Reception
from interpreter.settings import Settings
from interpreter.telephone import Telephone
from interpreter.vad import Endpointing

SIP = SipSettings(registrar="192.0.2.1", user="500")


def telephone(engines: Engines, settings: Settings) -> Telephone:
    reception = Reception(
        engines, Endpointing(), ConversationLimits(), secret="only in tests", most=1
    )
    return Telephone(settings, reception)


def test_an_office_that_is_not_there_is_refused(engines: Engines) -> None:
    settings = Settings(sip=SIP, phone=PhoneSettings(office="treasury"))
    with pytest.raises(SettingsError, match="phone.office"):
        telephone(engines, settings)


def test_sip_settings_that_contradict_themselves_are_refused(engines: Engines) -> None:
    assert telephone(engines, Settings(sip=SIP)).used
    with pytest.raises(SettingsError):
        telephone(engines, Settings(sip=replace(SIP, codecs=())))
