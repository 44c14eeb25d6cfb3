from __future__ import annotations

from tests.client.conftest import Served


def test_smoke(served: Served) -> None:
    c = served.client
    print(c.status())
    for each in c.inferences.each():
        print(each)
        print(c.confirm(each, served.anchor))
    print(list(c.models.each()))
    print(c.statistics())
