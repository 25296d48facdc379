"""A hook for LiteLLM's proxy: LiteLLM makes the calls, Bartizan keeps the money.

Before a call its bound is reserved; after it, what it used is settled. Where Bartizan says no, or cannot be asked, the call
is not made. Where the end of a call cannot be told, or nobody knows whether it was billed, its reservation ends at its bound
by itself. Keeps nothing between the two but the reservation's name in the call's metadata.

    litellm_settings:
      callbacks: bartizan_hook.hook

Set in the proxy's environment:
    BARTIZAN_URL      where the gate's data listener is, https unless on this machine
    BARTIZAN_KEY      a virtual key of the gate; a LiteLLM key with `bartizan_key` in its metadata uses that one instead
"""

import asyncio
import logging
import os

import httpx

try:
    from litellm.integrations.custom_logger import CustomLogger
except ImportError:  # The functions below are the same without it.
    CustomLogger = object

try:
    from fastapi import HTTPException
except ImportError:

    class HTTPException(Exception):
        def __init__(self, status_code, detail):
            super().__init__(detail)
            self.status_code, self.detail = status_code, detail


RESERVATION = "bartizan_reservation"
ENDPOINTS = {
    "completion": "/v1/spend/reserve",
    "acompletion": "/v1/spend/reserve",
    "text_completion": "/v1/spend/reserve/completions",
    "atext_completion": "/v1/spend/reserve/completions",
    "embedding": "/v1/spend/reserve/embeddings",
    "embeddings": "/v1/spend/reserve/embeddings",
    "aembedding": "/v1/spend/reserve/embeddings",
}
# What a bound is made from, and nothing else that LiteLLM keeps beside it.
FIELDS = (
    "model messages prompt input tools functions response_format max_tokens max_completion_tokens n best_of "
    "service_tier"
).split()
# The provider said no: it bills none of these. After the others it may have.
NOT_BILLED = {400, 401, 403, 404, 413, 422, 429, 500, 502, 503}
TRIES = 4

log = logging.getLogger("bartizan")


class BartizanHook(CustomLogger):
    def __init__(self, url=None, key=None, timeout=5.0):
        super().__init__()
        self.url = (url or os.environ["BARTIZAN_URL"]).rstrip("/")
        self.key = key or os.environ.get("BARTIZAN_KEY")
        self.client = httpx.AsyncClient(timeout=timeout, follow_redirects=False)

    async def async_pre_call_hook(self, user_api_key_dict, cache, data, call_type):
        """Reserves, or the call is not made."""
        path = ENDPOINTS.get(str(getattr(call_type, "value", call_type)))
        if path is None:
            raise HTTPException(status_code=403, detail=f"no money can be held for calls of the kind `{call_type}`")
        key = self._key(getattr(user_api_key_dict, "metadata", None))
        body = {name: data[name] for name in FIELDS if data.get(name) is not None}
        try:
            answer = await self._post(path, body, key)
        except httpx.HTTPError as error:
            raise HTTPException(status_code=503, detail="the budget cannot be asked, so the call is not made") from error
        if answer.status_code != 200:
            raise HTTPException(status_code=answer.status_code, detail=_message(answer))
        given = answer.json()
        if not path.endswith("embeddings") and not (data.get("max_tokens") or data.get("max_completion_tokens")):
            data["max_tokens"] = given["bound"]["output_tokens"]
        # What LiteLLM hands to the events below; `litellm_metadata` where `metadata` is the caller's own.
        data.setdefault("litellm_metadata" if "litellm_metadata" in data else "metadata", {})[RESERVATION] = {
            "reservation": given["reservation"],
            "at": given.get("settle_at"),
        }
        return data

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        """Settles what was used."""
        if kwargs.get("stream") and kwargs.get("complete_streaming_response") is None and _usage(response_obj) is None:
            return
        held = _held(kwargs.get("litellm_params") or {}) or _held(kwargs)
        if held is None:
            return
        usage = _usage(kwargs.get("complete_streaming_response")) or _usage(response_obj)
        if usage is None:
            log.warning("a call without usage: its reservation ends at its bound")
            return
        await self._end("/v1/spend/settle", held, {"provider_usage": usage}, kwargs)

    async def async_post_call_failure_hook(self, request_data, original_exception, user_api_key_dict, *more, **others):
        """Frees what was held, where the provider certainly bills nothing."""
        held = _held(request_data)
        if held is None:
            return
        if getattr(original_exception, "status_code", None) not in NOT_BILLED:
            log.warning("a call may have been billed although it failed: its reservation ends at its bound")
            return
        await self._end("/v1/spend/void", held, {}, {"metadata": getattr(user_api_key_dict, "metadata", None)})

    async def _end(self, path, held, what, kwargs):
        """Said again until it is heard: the same end said twice is one."""
        params = (kwargs.get("litellm_params") or {}).get("metadata") or kwargs.get("metadata") or {}
        key = self._key(params.get("user_api_key_metadata") or params)
        body = {"reservation": held["reservation"], **what}
        for turn in range(TRIES):
            try:
                answer = await self._post(path, body, key, held.get("at"))
                if answer.status_code < 500 and answer.status_code != 429:
                    if answer.status_code != 200:
                        log.error("a reservation was not ended: %s", _message(answer))
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.2 * 2**turn)
        log.error("a reservation could not be ended: it ends at its bound")

    async def _post(self, path, body, key, at=None):
        headers = {"authorization": f"Bearer {key}"}
        return await self.client.post((at or self.url).rstrip("/") + path, json=body, headers=headers)

    def _key(self, metadata):
        key = (metadata or {}).get("bartizan_key") or self.key
        if not key:
            raise HTTPException(status_code=503, detail="no key for the budget is configured")
        return key


def _held(data):
    for name in ("metadata", "litellm_metadata"):
        held = (data.get(name) or {}).get(RESERVATION)
        if isinstance(held, dict):
            return held
    return None


def _usage(response):
    if response is None:
        return None
    usage = response.get("usage") if isinstance(response, dict) else getattr(response, "usage", None)
    if usage is None:
        return None
    if hasattr(usage, "model_dump"):
        usage = usage.model_dump(exclude_none=True)
    known = ("prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details")
    usage = {name: usage[name] for name in known if usage.get(name) is not None}
    return usage or None


def _message(answer):
    try:
        return answer.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return f"the budget answered with {answer.status_code}"


# What the proxy's configuration names. Made when it is asked for, so that the module can be read without its settings.
def __getattr__(name):
    if name == "hook":
        made = globals()["hook"] = BartizanHook()
        return made
    raise AttributeError(name)
