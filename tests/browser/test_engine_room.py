"""The modules below the pages: connection, microphone, voices, lines; with the real service."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from browsing import Line, blank_page, tsc
from engine_room import QUESTION, START, state, wait
from in_process import KEY, Running
from playwright.sync_api import Browser

from interpreter.audio import RATE, Samples
from interpreter.bench.words import errors

WEB = Path(__file__).parents[2] / "clients" / "web"
Launch = Callable[..., Browser]


def wrong_words(text: str, reference: str) -> int:
    return errors(text, reference)[0]


def test_the_modules_are_typed() -> None:
    assert tsc(WEB) == ""


def test_what_is_said_is_read_and_heard(
    service: Running, launch: Launch, question: Samples
) -> None:
    page = blank_page(launch(question).new_context(), service.address)
    token = service.open()["shared"]
    assert page.evaluate(START, [token, "shared_microphone"]) == "open"
    page.evaluate("talk.openMicrophone()")
    wait(page, "talk.state.lines[0]?.spoken === 'done'")
    (line,) = state(page)["lines"]
    assert line["party"] == "visitor"
    assert wrong_words(line["source"]["text"], QUESTION) <= 2
    assert re.search(r"residence permit|residence", line["target"]["text"])
    assert page.evaluate("talk.state.activity") == "idle"
    # It was staff who spoke, says somebody: the sound is heard anew in their language.
    page.evaluate("talk.correct(1, undefined, 'staff')")
    wait(page, "talk.state.lines[0].party === 'staff' && talk.state.lines[0].target?.final")
    (line,) = state(page)["lines"]
    assert line["source"]["language"] == "en" and line["target"]["language"] == "pt"
    page.evaluate("talk.leave()")
    assert state(page)["connection"] == "gone"


def test_a_button_says_who_speaks_and_when(
    service: Running, launch: Launch, question: Samples
) -> None:
    page = blank_page(launch(question).new_context(), service.address)
    assert page.evaluate(START, [service.open()["shared"], "push_to_talk"]) == "open"
    page.evaluate("talk.openMicrophone()")
    page.evaluate("talk.talk(true, 'visitor')")
    page.wait_for_timeout(round(1000 * (len(question) / RATE - 3.0)))
    assert page.evaluate("talk.state.activity") == "listening"
    page.evaluate("talk.talk(false, 'visitor')")
    wait(page, "talk.state.lines[0]?.target?.final")
    (line,) = state(page)["lines"]
    assert wrong_words(line["source"]["text"], QUESTION) <= 2
    # Nothing is sent while nobody holds the button.
    before = page.evaluate("talk.connection.outbox.next")
    page.wait_for_timeout(300)
    assert page.evaluate("talk.connection.outbox.next") == before


def test_a_line_cut_in_mid_sentence_loses_and_doubles_no_word(
    line: Line, service: Running, launch: Launch, question: Samples
) -> None:
    page = blank_page(launch(question).new_context(), line.address)
    assert page.evaluate(START, [service.open()["shared"], "shared_microphone"]) == "open"
    page.evaluate("talk.openMicrophone()")
    page.wait_for_timeout(2500)
    line.cut()
    wait(page, "talk.state.connection === 'lost'")
    page.wait_for_timeout(3000)
    line.mend()
    wait(page, "talk.state.connection === 'open'")
    wait(page, "talk.state.lines[0]?.spoken === 'done'")
    told = state(page)
    (said,) = told["lines"]
    assert wrong_words(said["source"]["text"], QUESTION) <= 2
    assert not [each for each in told["notices"] if each["code"].endswith("-lost")]


def test_another_way_of_taking_turns_keeps_the_conversation(
    service: Running, launch: Launch
) -> None:
    page = blank_page(launch().new_context(), service.address)
    page.evaluate(START, [service.open()["shared"], "push_to_talk"])
    page.evaluate("talk.say('Please take a seat.', 'staff')")
    wait(page, "talk.state.lines[0]?.target?.final")
    page.evaluate("talk.setTurnTaking('shared_microphone')")
    wait(page, "talk.connection.joined")
    page.evaluate("talk.say('Bom dia.', 'visitor')")
    wait(page, "talk.state.lines[1]?.target?.final")
    assert [each["party"] for each in state(page)["lines"]] == ["staff", "visitor"]


def test_who_only_watches_is_not_told_that_a_voice_goes_on(
    service: Running, launch: Launch
) -> None:
    page = blank_page(launch().new_context(), service.address)
    tokens = service.open()
    page.evaluate(START, [tokens["shared"], "push_to_talk"])
    page.evaluate(
        """async (token) => {
          const { Conversation } = await import('/web/conversation.js');
          const turnTaking = 'own_microphone';
          globalThis.watch = new Conversation({ token, turnTaking, watching: true });
          globalThis.done = [];
          watch.addEventListener('change', () => done.push(watch.state.activity));
          await watch.start();
          talk.say('Preciso de um passaporte.', 'visitor'); // voices are told to whom they speak
        }""",
        tokens["staff"],
    )
    wait(page, "watch.state.lines[0]?.spoken === 'done'")
    assert "speaking" in page.evaluate("done")
    assert page.evaluate("watch.state.activity") == "idle"


def test_what_one_asks_for_arrives(service: Running, launch: Launch) -> None:
    page = blank_page(launch().new_context(), service.address)
    page.evaluate(START, [service.open()["shared"], "push_to_talk"])
    page.evaluate("talk.card('date', '2026-08-18')")
    wait(page, "talk.state.card?.messages.pt === 'terça-feira, 18 de agosto de 2026'")
    page.evaluate("talk.card('')")
    wait(page, "talk.state.card === null")
    page.evaluate("talk.agreeToRecord(true, 'visitor')")
    wait(page, "talk.state.agreed.record.visitor === true")
    page.evaluate("talk.handover('ask')")
    wait(page, "talk.state.handover?.reason === 'asked'")
    page.evaluate("talk.handover('end')")
    wait(page, "talk.state.handover === null")
    page.evaluate("talk.say('It costs 21 euros.', 'staff')")
    wait(page, "talk.state.lines[0]?.back")
    page.evaluate("talk.correct(1, 'It costs 22 euros.')")
    wait(
        page, "talk.state.lines[0]?.target?.final && talk.state.lines[0].source.text.includes('22')"
    )
    page.evaluate("talk.plain(true)")
    wait(page, "talk.state.notices.some(({ code }) => code === 'plain-unavailable')")


def test_a_refused_microphone_says_so(service: Running, launch: Launch) -> None:
    page = blank_page(launch(None, allow=False).new_context(), service.address)
    code = page.evaluate(
        "import('/web/capture.js').then(({ openMicrophone }) => openMicrophone({ onFrame() {} }))"
        ".then(() => 'open', (error) => error.code)"
    )
    assert code == "refused"


def test_a_microphone_that_is_unplugged_is_missed(service: Running, launch: Launch) -> None:
    page = blank_page(launch().new_context(), service.address)
    page.evaluate(START, [service.open()["shared"], "push_to_talk"])
    page.evaluate(
        """async () => {
          const take = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = async (wanted) => {
            const stream = await take(wanted);
            globalThis.track = stream.getAudioTracks()[0];
            return stream;
          };
          await talk.openMicrophone();
          track.dispatchEvent(new Event('ended'));
        }"""
    )
    assert page.evaluate("talk.state.microphone?.code") == "missing"


@pytest.mark.parametrize(("token", "code"), [("nonsense", "bad-token"), ("", "conversation-ended")])
def test_what_cannot_be_mended_is_not_tried_again(
    service: Running, launch: Launch, token: str, code: str
) -> None:
    page = blank_page(launch().new_context(), service.address)
    if not token:
        token = service.open()["shared"]
        assert service.service.reception is not None
        name = service.service.reception.admit(token)[0].name
        request = Request(
            f"{service.address}/v1/conversations/{name}",
            headers={"Authorization": f"Bearer {KEY}"},
            method="DELETE",
        )
        urlopen(request, timeout=10).close()
    assert page.evaluate(START, [token, "push_to_talk"]) == "gone"
    assert page.evaluate("talk.state.notices[0].code") == code


LINES = """async (messages) => {
  const { withMessage } = await import('/web/lines.js');
  return messages.reduce((lines, message) => withMessage(lines, message), []);
}"""


DOING = """async (messages) => {
  const { Doing } = await import('/web/doing.js');
  const doing = new Doing();
  for (const message of messages) doing.take(message);
  return [doing.activity, doing.speaker];
}"""


def transcript(utterance: int, revision: int, text: str, **more: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "party": "visitor",
        "language": "pt",
        "committed": 0,
        "confidence": 0.9,
        "final": True,
    }
    return (
        said
        | {"type": "transcript", "utterance": utterance, "revision": revision, "text": text}
        | more
    )


def translation(utterance: int, revision: int, text: str, **more: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "source": "pt",
        "target": "en",
        "engine": "x",
        "quality": "good",
        "final": True,
    }
    told |= {"type": "translation", "utterance": utterance, "revision": revision, "text": text}
    return told | {"party": "visitor", "committed": len(text)} | more


def test_lines_follow_what_is_told(service: Running, launch: Launch) -> None:
    page = blank_page(launch().new_context(), service.address)

    def lines(*messages: dict[str, Any]) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = page.evaluate(LINES, list(messages))
        return made

    partial = transcript(1, 1, "Bom", final=False)
    assert lines(partial, transcript(1, 2, "Bom dia."))[0]["source"]["text"] == "Bom dia."
    # An older revision that comes late changes nothing.
    assert lines(transcript(1, 2, "Bom dia."), partial)[0]["source"]["text"] == "Bom dia."
    # What was not confirmed goes; what was final stays.
    repeat = {"type": "notice", "code": "please-repeat", "utterance": 1}
    assert lines(partial, repeat) == []
    assert len(lines(transcript(1, 2, "Bom dia."), repeat)) == 1
    flagged = translation(1, 2, "Good day.", flags=["fact_changed"], facts=[{"kind": "time"}])
    confirmed = lines(transcript(1, 2, "Bom dia."), flagged, flagged | {"confirmed": True})
    assert confirmed[0]["confirmed"] and confirmed[0]["flags"] == ["fact_changed"]
    # Somebody else said it: what it was taken to mean is void.
    moved = lines(
        transcript(1, 2, "Bom dia."), flagged, transcript(1, 3, "Bond dear.", party="staff")
    )
    assert moved[0]["party"] == "staff" and moved[0]["target"] is None and moved[0]["flags"] == []
    order = lines(transcript(2, 1, "b"), transcript(1, 1, "a"), transcript(3, 1, "c"))
    assert [each["utterance"] for each in order] == [1, 2, 3]
    plain = {"type": "rephrased", "utterance": 1, "text": "Easy."}
    back = {"type": "back_translation", "utterance": 1, "text": "x", "similarity": 0.2}
    failed = {"type": "error", "utterance": 1, "code": "translation-failed"}
    (line,) = lines(transcript(1, 1, "a"), plain, back | {"doubtful": True}, failed)
    assert line["plain"] == "Easy." and line["back"]["doubtful"]
    assert line["failed"] == "translation-failed"


def test_what_is_done_follows_what_is_told(service: Running, launch: Launch) -> None:
    page = blank_page(launch().new_context(), service.address)

    def doing(*messages: dict[str, Any]) -> list[str | None]:
        told: list[str | None] = page.evaluate(DOING, list(messages))
        return told

    started = {"type": "speech_started", "utterance": 1}
    said = transcript(1, 1, "Bom dia.")
    nothing = {"type": "notice", "code": "nothing-heard", "utterance": 1}
    failed = {"type": "error", "code": "translation-failed", "utterance": 1}
    lost = {"type": "notice", "code": "events-lost"}
    person = {"type": "handover", "state": "active"}
    voice = {"type": "speech", "utterance": 1, "party": "staff"}
    assert doing() == ["idle", None]
    assert doing(started) == ["listening", None]
    assert doing(started, transcript(1, 1, "Bom", final=False)) == ["listening", "visitor"]
    assert doing(started, said) == ["thinking", "visitor"]
    assert doing(said, translation(1, 1, "Good", final=False)) == ["thinking", "visitor"]
    assert doing(said, translation(1, 1, "Good day.")) == ["idle", None]
    assert doing(said, voice) == ["speaking", "visitor"]
    assert doing(started, nothing) == doing(said, failed) == ["idle", None]
    assert doing(started, lost) == doing(said, person) == ["idle", None]
    # Who speaks meanwhile is who counts.
    assert doing(said, {"type": "speech_started", "utterance": 2, "party": "staff"}) == [
        "listening",
        "staff",
    ]


def test_an_outbox_keeps_what_has_not_arrived(service: Running, launch: Launch) -> None:
    page = blank_page(launch().new_context(), service.address)
    told = page.evaluate(
        """async () => {
          const { Outbox } = await import('/web/outbox.js');
          const box = new Outbox(), sent = [];
          const pump = () => { while (box.waiting) sent.push(box.take().sequence); };
          for (let n = 0; n < 5; n += 1) box.add((sequence) => String(sequence));
          pump();
          box.acknowledge(2);
          const kept = box.oldest;
          box.resume(2);
          pump();
          for (let n = 0; n < 4000; n += 1) box.add((sequence) => String(sequence));
          return [sent, kept, box.entries.length, box.oldest, box.dropped];
        }"""
    )
    assert told == [[0, 1, 2, 3, 4, 3, 4], 3, 3000, 1005, 1002]
