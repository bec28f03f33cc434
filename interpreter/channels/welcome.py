"""What a connection is told first: who is there, what may be done, what was said so far."""

from ..connection import Connection
from ..conversation import Conversation
from ..events import Party, Rephrased
from ..journal import Entry, was_said
from ..languages import own_name, right_to_left
from . import protocol, wire


def joined(conversation: Conversation, connection: Connection, after: int) -> protocol.Joined:
    """The first message on a connection; events `after` that number follow."""
    languages = [conversation.languages[party] for party in connection.parties]
    card, handover = conversation.table.card, conversation.handover.latest
    if handover and handover.state == "over":
        handover = None
    return protocol.Joined(
        event=after,
        conversation=conversation.name,
        connection=connection.name,
        you=list(connection.parties),
        parties={party: _state(conversation, party) for party in Party},
        audio=connection.microphone.expected if connection.microphone else 0,
        notice=wire.words("notice", languages),
        consent_required=conversation.agreements.required,
        longest_utterance_seconds=conversation.endpointing.longest_seconds,
        office=conversation.office.name,
        plain=conversation.plain.state(conversation.languages[Party.STAFF]),
        handover=wire.handover_message(handover, after, languages) if handover else None,
        card=wire.card_message(card, after, languages) if card else None,
        role=connection.role,
        simultaneous=conversation.interpreting.simultaneous,
    )


def history(conversation: Conversation) -> list[Entry]:
    """What a newcomer should see: what was said and what failed, not what it sounded like."""
    past = (entry for entry in conversation.journal.past() if was_said(entry.event))
    return [entry for entry in past if not isinstance(entry.event, Rephrased)]


def _state(conversation: Conversation, party: Party) -> protocol.PartyState:
    language = conversation.languages[party]
    voice = conversation.engines.synthesizer.voices.get(language)
    pair = (language, conversation.languages[party.other])
    return protocol.PartyState(
        language=language,
        name=own_name(language),
        direction="rtl" if right_to_left(language) else "ltr",
        connected=conversation.connections.anybody_reaches(party),
        consent=conversation.agreements.consent[party],
        record=conversation.agreements.record[party],
        translation=conversation.engines.translator.pairs.get(pair),
        voice=voice.name if voice else None,
    )
