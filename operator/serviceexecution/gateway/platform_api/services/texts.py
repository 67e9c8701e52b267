"""What is said of a service for people: checked as it comes, and written as a merge patch. Pure.

Display name and description are fields of the definition; summary, links and contacts are annotations of it.
"""

import json
from collections.abc import Callable, Mapping
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue, objects_of, text_of
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.platform_api.services.bodies import members, text, wrong
from serviceexecution.resources.names import ANNOTATION_CONTACTS, ANNOTATION_LINKS, ANNOTATION_SUMMARY

LONGEST_SUMMARY: Final = 1000
LONGEST_DISPLAY_NAME: Final = 256
LONGEST_DESCRIPTION: Final = 8192
"""As the CRD says."""
MOST_ENTRIES: Final = 20
"""Most links, and most contacts."""
LONGEST_ENTRY: Final = 1000
_LINK_TYPES: Final = ("TERMS_OF_SERVICE", "DOCUMENTATION", "CODE_REPOSITORY", "OTHER")
_CONTACT_TYPES: Final = ("EMAIL", "LINK")


def summary_patch(body: JsonValue) -> JsonObject:
    """Return the patch of ``{summary}``; raises Problem 400."""
    return _annotation(ANNOTATION_SUMMARY, text(members(body), "summary", LONGEST_SUMMARY) or None)


def description_patch(body: JsonValue) -> JsonObject:
    """Return the patch of ``{description}``; raises Problem 400."""
    return {"spec": {"description": text(members(body), "description", LONGEST_DESCRIPTION) or None}}


def display_name_patch(body: JsonValue) -> JsonObject:
    """Return the patch of ``{displayName}``; raises Problem 400. Nothing clears it: the name is then shown."""
    return {"spec": {"displayName": text(members(body), "displayName", LONGEST_DISPLAY_NAME) or None}}


def links_patch(body: JsonValue) -> JsonObject:
    """Return the patch of a list of links, which an empty list clears; raises Problem 400."""
    return _annotation(ANNOTATION_LINKS, _written(body, _link))


def contacts_patch(body: JsonValue) -> JsonObject:
    """Return the patch of a list of contacts, which an empty list clears; raises Problem 400."""
    return _annotation(ANNOTATION_CONTACTS, _written(body, _contact))


def shown_summary(annotations: Mapping[str, str]) -> str | None:
    """Return the summary of a service."""
    return annotations.get(ANNOTATION_SUMMARY, "")[:LONGEST_SUMMARY] or None


def shown_links(annotations: Mapping[str, str]) -> list[JsonValue]:
    """Return the links of a service. Anybody who may write it writes annotations: what is no link is left out."""
    return _shown(annotations.get(ANNOTATION_LINKS, ""), _link)


def shown_contacts(annotations: Mapping[str, str]) -> list[JsonValue]:
    """Return the contacts of a service, without what is none."""
    return _shown(annotations.get(ANNOTATION_CONTACTS, ""), _contact)


_Entry = Callable[[JsonObject, str], JsonObject]


def _written(body: JsonValue, entry: _Entry) -> str | None:
    if not isinstance(body, list) or len(body) > MOST_ENTRIES:
        raise wrong("$", f"The body must be a list of at most {MOST_ENTRIES} entries.")
    found: list[JsonValue] = []
    for number, one in enumerate(body):
        if not isinstance(one, dict):
            raise wrong(f"$[{number}]", "Each entry must be an object.")
        found.append(entry(one, f"$[{number}]"))
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")) if found else None


def _shown(kept: str, entry: _Entry) -> list[JsonValue]:
    try:
        parsed: object = json.loads(kept) if kept else []
    except (ValueError, RecursionError):
        return []
    found: list[JsonValue] = []
    for one in objects_of(parsed)[:MOST_ENTRIES]:
        try:
            found.append(entry(one, "$"))
        except Problem:
            continue
    return found


def _link(entry: JsonObject, path: str) -> JsonObject:
    _check_type(entry, _LINK_TYPES, path)
    name, url = text(entry, "name", LONGEST_ENTRY, path=path), text(entry, "url", LONGEST_ENTRY, path=path)
    if not name:
        raise wrong(f"{path}.name", "Each link must have a name.")
    if not _is_address(url):
        raise wrong(f"{path}.url", "url must be an address that begins with https:// or http://.")
    return {"type": entry["type"], "name": name, "url": url}


def _contact(entry: JsonObject, path: str) -> JsonObject:
    _check_type(entry, _CONTACT_TYPES, path)
    name = text(entry, "name", LONGEST_ENTRY, path=path)
    contact = text(entry, "contact", LONGEST_ENTRY, path=path)
    if entry["type"] == "LINK" and not _is_address(contact):
        raise wrong(f"{path}.contact", "contact must be an address that begins with https:// or http://.")
    if not contact:
        raise wrong(f"{path}.contact", "Each contact must have a contact.")
    return {"type": entry["type"], "contact": contact, **({"name": name} if name else {})}


def _check_type(entry: JsonObject, types: tuple[str, ...], path: str) -> None:
    if text_of(entry.get("type")) not in types:
        raise wrong(f"{path}.type", f"type must be one of {', '.join(types)}.")


def _is_address(address: str | None) -> bool:
    """Tell whether a page may show it as a link: other schemes run something where it is clicked."""
    return (
        address is not None
        and address.startswith(("https://", "http://"))
        and address.isprintable()
        and " " not in address
    )


def _annotation(name: str, value: str | None) -> JsonObject:
    return {"metadata": {"annotations": {name: value}}}
