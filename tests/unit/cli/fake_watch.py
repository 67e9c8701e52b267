"""Watches of the fake cluster: what has become different since a list, however a test has changed it."""

import copy
import json
import threading
import time

TICK_SECONDS = 0.01


class Snapshots:
    """What each list has shown, by the version that it named."""

    def __init__(self, api):
        self._api = api
        self._lock = threading.Lock()
        self._shown = {}
        self.cuts = 0
        """Watches that end at once from now on."""
        self.then = []
        """What happens while somebody watches, each when all before has been told."""
        self.ended = False

    def of(self, kind, namespace, fields):
        """Return the objects as they are, and the version for a watch."""
        with self._lock:
            found = self._now(kind, namespace, fields)
            version = str(len(self._shown) + 1)
            self._shown[version] = found
            return list(found.values()), version

    def events(self, kind, namespace, fields, version):
        """Give lines of a watch, an empty one when nothing has happened."""
        if self.cuts:
            self.cuts -= 1
            return
        before = self._shown[version]
        while not self.ended:
            now = self._now(kind, namespace, fields)
            if now == before and self.then:
                self.then.pop(0)()
                continue
            for key in before.keys() | now.keys():
                if key not in now:
                    yield _line("DELETED", before[key])
                elif before.get(key) != now[key]:
                    yield _line("MODIFIED" if key in before else "ADDED", now[key])
            before = now
            time.sleep(TICK_SECONDS)
            yield ""

    def _now(self, kind, namespace, fields):
        found = self._api.selected(kind, namespace, None, fields)
        return {item["metadata"]["name"]: copy.deepcopy(item) for item in found}


def _line(kind, item):
    item = copy.deepcopy(item)
    item["metadata"].pop("resourceVersion", None)  # A version of a list is the only one that is known here
    return json.dumps({"type": kind, "object": item})
