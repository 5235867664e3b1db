"""The types of single fields. JSON is strict: 23.9 and "23" are no 23, true is no 1."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from app.learning import hobbies
from app.models import MAX_PARTS, MAX_PICTURES
from app.when import MAX_WORDS

LARGEST_ID = 2**31 - 1
"""PostgreSQL refuses to compare an integer column with more than this."""
MAX_ACCOUNTS = 1000
"""Of one tweet; a person with more is limited elsewhere long before."""
MAX_JOBS = 100
MAX_TWEETS = 100
"""That one call may change."""
MAX_SUBMIT_ID = 200
MAX_NAME = 100
"""Characters of a zone, a language, a number that is typed."""
MAX_SERVER = 300
MAX_ALT_AS_TYPED = 20_000
"""White space is taken out before a description is measured."""
MAX_LIST = 8000
"""Characters of a list in an address, which is no longer than that anyway."""

MAX_OPTIONS = 50
MAX_ADDRESS = 320
"""Characters of an e-mail address."""
MAX_CHOSEN = 5000
"""Jobs that an operator names; a filter may mean more."""
MAX_NOTICES = 1000
MAX_POST_URL = 2000
MAX_COUNT = 100_000
"""Things of a list that may be read in a month."""
MAX_OPTIONS_DEPTH = 8
YEARS = range(1970, 2200)
"""That the calendar has."""
MAX_MOMENT = 40
"""Characters of a moment in ISO 8601, as this app writes it."""

_DIGITS = re.compile(r"[0-9]{1,10}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_KEY = re.compile(r"[1-9][0-9]{0,9}")
"""One spelling for each id, so that no two names of a JSON object are the same account."""
_CURSOR = re.compile(r"-?[0-9]{1,20}")
_WALL_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
PICTURE_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Schema(BaseModel):
    """What a call takes; a name that is not among its fields is refused."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)

    groups: ClassVar[dict[str, str]] = {}
    """For forms: the fields that collect all names of a kind, by what those begin with."""


def _unknown_picture(value: str) -> str:
    if not PICTURE_ID.fullmatch(value):
        raise PydanticCustomError("unknown_picture", "there is no such picture")
    return value


def _printable(value: str) -> str:
    if not value.isprintable():
        raise PydanticCustomError("control_characters", "it has control characters")
    return value


def _moment(value: str) -> str:
    """Accept ISO 8601 with an offset from UTC, and "" for none."""
    if value and moment_of(value) is None:
        raise PydanticCustomError("wrong_type", "it is no moment")
    return value


def moment_of(value: str | None) -> datetime | None:
    """Return the moment in UTC that ISO 8601 text names; None when it names none."""
    try:
        found = datetime.fromisoformat(value or "")
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _day(value: str) -> str:
    """Accept a date as ISO 8601 writes it, in a year that the calendar has."""
    try:
        is_known = bool(_DAY.fullmatch(value)) and date.fromisoformat(value).year in YEARS
    except ValueError:  # such as 30 February
        is_known = False
    if not is_known:
        raise PydanticCustomError("bad_date", "it is no date")
    return value


def _searchable(value: str) -> str:
    """Refuse what no text can have, and PostgreSQL does not take."""
    if "\0" in value:
        raise PydanticCustomError("control_characters", "it has a NUL")
    return value


def _account_key(value: str) -> str:
    if not _KEY.fullmatch(value) or int(value) > LARGEST_ID:
        raise PydanticCustomError("unknown_account", "no account has this id")
    return value


def _whole_number(value: Any) -> Any:
    """Read a number of a form, where all is text; what is no number stays text and is refused."""
    return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value


def _shallow(value: Any, depth: int = MAX_OPTIONS_DEPTH) -> Any:
    """Refuse what is nested deeper than any option of a network."""
    inside = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        if depth == 0:
            raise PydanticCustomError("wrong_type", "it is nested too deeply")
        for one in inside:
            _shallow(one, depth - 1)
    return value


def _yes_or_no(value: Any) -> Any:
    """A form says 1 or 0, a program may say it as a number, too; an empty field says no."""
    words = {"1": True, "0": False, "": False}
    return words.get(str(value), value) if type(value) in {str, int} else value


def _cursor(value: Any) -> Any:
    """Accept ids that no tweet can have: the list begins or ends there."""
    if isinstance(value, str) and _CURSOR.fullmatch(value):
        return max(0, min(int(value), LARGEST_ID))
    return value


def _weekday(value: int) -> int:
    if not 1 <= value <= 7:
        raise PydanticCustomError("bad_weekday", "it is no day of the week")
    return value


def _wall_time(value: str) -> str:
    if not _WALL_TIME.fullmatch(value):
        raise PydanticCustomError("bad_time", "it is no time of day")
    return value


def _words_alone(value: Any) -> Any:
    """A variant of words alone may be written as the words."""
    return {"text": value} if isinstance(value, str) else value


def _empty_is_nothing(value: Any) -> Any:
    return None if value == "" else value


Text = str
"""Words to be published. How long they may be, the networks of the tweet say."""
When = Annotated[str, Field(max_length=MAX_WORDS)]
RuleText = Annotated[str, Field(max_length=MAX_LIST)]
"""How long a rule may be, and what it may say: app/planning/recurrence.py."""
PictureId = Annotated[str, AfterValidator(_unknown_picture)]
Pictures = Annotated[list[PictureId], Field(max_length=MAX_PICTURES)]
AccountId = Annotated[int, Field(ge=1, le=LARGEST_ID)]
AccountIds = Annotated[list[AccountId], Field(max_length=MAX_ACCOUNTS)]
EveryAccount = Literal["all"]
Options = Annotated[dict[str, Any], Field(max_length=MAX_OPTIONS), AfterValidator(_shallow)]
"""Of one account, in its network's names and forms: the network says what fits."""
OptionField = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,9}-[A-Za-z_]{1,40}(-[A-Za-z_]{1,40})?$")]
"""The name of a form's field after ``options-``."""
AccountKey = Annotated[str, AfterValidator(_account_key)]
SelectionName = Annotated[str, Field(pattern=r"^selection:[1-9][0-9]{0,9}$")]
"""A selection in place of accounts, by its id."""
AccountIdsOrAll = AccountIds | EveryAccount | SelectionName
NoSignature = Literal["none"]
OptionsOf = Annotated[dict[AccountKey, Options | None], Field(max_length=MAX_ACCOUNTS)]
TypedVariants = Annotated[dict[AccountKey, list[Text]], Field(max_length=MAX_ACCOUNTS)]
Address = Annotated[str, Field(max_length=MAX_ADDRESS)]
SubmitId = Annotated[str, Field(max_length=MAX_SUBMIT_ID), AfterValidator(_printable)]
Sought = Annotated[str, Field(max_length=MAX_SUBMIT_ID), AfterValidator(_printable)]
PostUrl = Annotated[str, Field(max_length=MAX_POST_URL, pattern=r"^https?://[^\s\x00-\x1f\"<>]+$")]
TypedPostUrl = Annotated[PostUrl | None, BeforeValidator(_empty_is_nothing)]
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
TypedCount = Annotated[
    Count | None, BeforeValidator(_empty_is_nothing), BeforeValidator(_whole_number)
]
ListKind = Literal["posts", "likes", "follows"]
ItemKind = Annotated[Literal["post", "like", "follow"] | None, BeforeValidator(_empty_is_nothing)]
ItemCursor = Annotated[str, Field(pattern=r"^-?[0-9]{1,16}-[0-9]{1,10}$")]
ScanCursor = Annotated[str, Field(max_length=20, pattern="^[0-9]*$")]
"""Of Redis."""
JobId = Annotated[str, Field(max_length=MAX_NAME)]
Name = Annotated[str, Field(max_length=MAX_NAME)]
Tab = Literal["all", "scheduled", "sent", "failed", "waiting"]
Words = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_searchable)]
TweetIds = Annotated[list[int], Field(max_length=MAX_TWEETS)]
"""Any number: what nobody has is passed over by name."""
NoticeIds = Annotated[list[int], Field(max_length=MAX_NOTICES)]
"""The same."""
Hobbies = Annotated[str, Field(max_length=hobbies.MAX_TYPED)]
Server = Annotated[str, Field(max_length=MAX_SERVER)]
ShownAt = Annotated[str, Field(max_length=MAX_MOMENT), AfterValidator(_moment)]
Mode = Literal["now", "later", "queue"]
Visibility = Literal["default", "public", "unlisted", "private"]
DEFAULT_VISIBILITY: Visibility = "default"
"""What the account says itself."""
Alt = Annotated[str, Field(max_length=MAX_ALT_AS_TYPED)]

Weekday = Annotated[int, AfterValidator(_weekday)]
WallTime = Annotated[str, Field(max_length=5), AfterValidator(_wall_time)]

# As forms and addresses have them
TypedWeekday = Annotated[Weekday, BeforeValidator(_whole_number)]
TypedTimes = Annotated[str, Field(max_length=MAX_LIST)]
Flag = Annotated[str, Field(max_length=10)]
FilePictures = Annotated[list[Text], Field(max_length=100)]
CalendarView = Annotated[
    Literal["month", "week", "agenda"] | None, BeforeValidator(_empty_is_nothing)
]
Day = Annotated[Annotated[str, AfterValidator(_day)] | None, BeforeValidator(_empty_is_nothing)]
YesOrNo = Annotated[bool, BeforeValidator(_yes_or_no)]
EventId = Annotated[AccountId, BeforeValidator(_whole_number)]
TypedAccountIds = Annotated[
    list[Annotated[AccountId, BeforeValidator(_whole_number)] | EveryAccount],
    Field(max_length=MAX_ACCOUNTS + 1),
]
TypedTweetIds = Annotated[
    list[Annotated[int, BeforeValidator(_whole_number)]], Field(max_length=MAX_TWEETS)
]
PresetId = AccountId
MaybePresetId = Annotated[
    Annotated[PresetId, BeforeValidator(_whole_number)] | None, BeforeValidator(_empty_is_nothing)
]
TypedSignature = Annotated[
    Annotated[PresetId, BeforeValidator(_whole_number)] | NoSignature | None,
    BeforeValidator(_empty_is_nothing),
]
MaybeAccountId = Annotated[
    Annotated[AccountId, BeforeValidator(_whole_number)] | None, BeforeValidator(_empty_is_nothing)
]
Cursor = Annotated[
    Annotated[int, BeforeValidator(_cursor)] | None, BeforeValidator(_empty_is_nothing)
]
PartNumber = Annotated[Annotated[int, Field(ge=1, lt=MAX_PARTS)], BeforeValidator(_whole_number)]
VariantOf = BeforeValidator(_words_alone)
