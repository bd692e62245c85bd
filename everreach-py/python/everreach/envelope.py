"""The answer to a call."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Dict

from everreach.errors import of_kind


class Envelope(Dict[str, Any]):
    """The answer to one call: a dict, so that ``json.dumps`` and web frameworks take it as it is, whose fields are attributes too.

    ``ok`` says whether the action ran and succeeded, ``result`` what it returned, ``error`` the stable word of a failure and
    ``detail`` its sentence, ``source`` where it ran (``local``, ``cloud``, ``local_fallback``, ``cache``), ``outcome`` what became
    of the call (``executed``, ``not_executed``, ``unknown``, ``queued``). Further: ``action``, ``replayed``, ``attempts``,
    ``duration_ms``, ``cost_usd``, ``cost_guard_triggered``, ``cached``, ``idempotency_key``, ``request_id``, ``suggestions``.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"an envelope has no field {name!r}") from None

    def __repr__(self) -> str:
        if self.get("ok"):
            return f"<Envelope {self.get('action')} ok source={self.get('source')} {self.get('duration_ms')} ms>"
        return f"<Envelope {self.get('action')} {self.get('error')} outcome={self.get('outcome')}: {self.get('detail')}>"

    def to_dict(self) -> Dict[str, Any]:
        """A plain dict with the same fields."""
        return dict(self)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Lets Pydantic, and so FastAPI, take the class as the type of a field or an answer. Only Pydantic calls this."""
        schema = import_module("pydantic_core.core_schema")
        return schema.no_info_after_validator_function(cls, schema.dict_schema(schema.str_schema(), schema.any_schema()))

    def raise_for_error(self) -> Envelope:
        """This envelope when the call succeeded; raises the failure otherwise.

        The exception's class follows ``error`` (see :mod:`everreach.errors`); its ``context`` holds the request id, the outcome
        and the idempotency key.
        """
        if self.get("ok"):
            return self
        names = ("action", "outcome", "request_id", "idempotency_key")
        context = {name: str(self[name]) for name in names if self.get(name) is not None}
        raise of_kind(self.get("error") or "internal", self.get("detail") or "the call failed", context=context)
