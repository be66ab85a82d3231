"""Foreign exceptions, translated once: what aiohttp, asyncio, ssl and the system raise, as this package's errors.

Every message reads `GET http://host/path: what happened`. The URL is canonical, so no user name or password can be in
it; what a foreign exception says about itself is quoted only where it holds no bytes of headers, proxies or bodies.
CancelledError is no failure and never comes here.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl

import aiohttp

from scraper.errors import (
    ChunkedEncodingError,
    ConnectionError,  # noqa: A004 - requests' own name
    ConnectTimeout,
    DNSError,
    InvalidURL,
    MalformedResponse,
    OutOfResources,
    ProxyError,
    ReadTimeout,
    RequestException,
    SSLError,
    UnsafeAddress,
)
from scraper.fetch.pace import TooSlowError
from scraper.fetch.proxy import FailedProxyError
from scraper.fetch.resolver import RefusedAddressError, why_no_address
from scraper.fetch.sending import NotSentAgainError
from scraper.request import Request
from scraper.urls import hostname

__all__ = ["FOREIGN_ERRORS", "failure", "translate"]

FOREIGN_ERRORS = (aiohttp.ClientError, OSError, ValueError, TypeError, RuntimeError)

_UNSAFE_CURE = "make the host a seed, or name the network in fetch.allow_addresses"
NOTHING_LEFT = frozenset({errno.EMFILE, errno.ENFILE})  # open(2): of descriptors, for the process, for the system
MAX_QUOTED = 120  # characters of a foreign text in a message

# OpenSSL's X509_V_ERR_* numbers, as SSLCertVerificationError.verify_code has them.
_CERTIFICATE_FAULTS = {
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "the certificate is self-signed",
    19: "the certificate is self-signed (at the top of its chain)",
    20: "the certificate's issuer is not trusted here",
    21: "the certificate's issuer is not trusted here",
    23: "the certificate has been revoked",
    62: "the certificate is for another host",
    64: "the certificate is for another address",
}

# OpenSSL's own words for what ends a handshake.
_TOO_OLD = "the server speaks no TLS version that is safe today"
_TOO_WEAK = "the server's keys or signatures are too weak"
_TLS_FAULTS = {
    "UNSUPPORTED_PROTOCOL": _TOO_OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": _TOO_OLD,
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": _TOO_OLD,
    "DH_KEY_TOO_SMALL": _TOO_WEAK,
    "EE_KEY_TOO_SMALL": _TOO_WEAK,
    "CA_MD_TOO_WEAK": _TOO_WEAK,
    "WRONG_VERSION_NUMBER": "the server does not speak TLS on this port",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the server and this client found no common cipher",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the server wants a certificate of the client",
    "TLSV1_UNRECOGNIZED_NAME": "the server does not know this host name",
    "UNEXPECTED_EOF_WHILE_READING": "the server ended the connection within the handshake",
}


def failure(kind: type[RequestException], request: Request, what: str) -> RequestException:
    """Return a `kind` of error whose message starts with the request."""
    return kind(f"{request.method} {request.url}: {what}", request=request)


def translate(error: Exception, request: Request, *, sent: bool, proxied: bool = False) -> RequestException:
    """Return this package's error for `error`; `sent` tells whether the request had left when it happened."""
    cause = error.__cause__ if isinstance(error, NotSentAgainError) and error.__cause__ is not None else error
    kind, what = _explain(cause, request, sent)
    if proxied and not sent and kind in (ConnectionError, MalformedResponse):  # nobody but the proxy has spoken yet
        kind, what = ProxyError, f"the proxy made no tunnel: {what}"
    return failure(kind, request, what)


def _explain(error: BaseException, request: Request, sent: bool) -> tuple[type[RequestException], str]:
    if getattr(getattr(error, "os_error", error), "errno", None) in NOTHING_LEFT:
        return OutOfResources, "not sent: this process has too many files open; raise `ulimit -n`"
    match error:
        case TimeoutError():
            return _timeout(error, sent)
        case ssl.SSLError() | aiohttp.ClientConnectorCertificateError():
            return SSLError, _tls(error)
        case FailedProxyError() | aiohttp.ClientHttpProxyError() | aiohttp.ClientProxyConnectionError():
            return ProxyError, _proxy(error)
        case aiohttp.ClientConnectorDNSError():
            return _dns(error, request)
        case aiohttp.ClientResponseError():
            return MalformedResponse, f"what the server sent is not valid HTTP: {_first_line(error.message)}"
        case aiohttp.ClientPayloadError():
            return _payload(error)
        case aiohttp.ClientConnectorError():
            return _no_connection(error.os_error)
    return _other(error)


def _no_connection(error: OSError) -> tuple[type[RequestException], str]:
    if isinstance(error, RefusedAddressError):
        return UnsafeAddress, f"{error.why}, which a page may not lead to; {_UNSAFE_CURE}"
    return ConnectionError, f"no connection: {_system(error)}"


def _proxy(error: BaseException) -> str:
    match error:
        case aiohttp.ClientHttpProxyError():
            return f"the proxy made no tunnel: it answered {error.status} {_first_line(error.message)}".rstrip()
        case aiohttp.ClientProxyConnectionError():
            return f"no connection to the proxy: {_system(error.os_error)}"
    return _first_line(str(error))


def _dns(error: aiohttp.ClientConnectorDNSError, request: Request) -> tuple[type[RequestException], str]:
    cause = error.os_error
    what = why_no_address(cause) if isinstance(cause, socket.gaierror) else _system(cause)
    what = f"could not be looked up: {what} ({_first_line(cause.strerror or '')})"
    if error.host.strip("[]") != hostname(request.url).strip("[]"):
        return ProxyError, f"the proxy's name {what}"
    return DNSError, f"the host name {what}"


def _timeout(error: BaseException, sent: bool) -> tuple[type[RequestException], str]:
    if isinstance(error, TooSlowError):
        return ReadTimeout, str(error)
    if sent and not isinstance(error, aiohttp.ConnectionTimeoutError):
        return ReadTimeout, "the response was not complete in time"
    return ConnectTimeout, "no connection in time"


def _tls(error: BaseException) -> str:
    cause = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        fault = _CERTIFICATE_FAULTS.get(cause.verify_code, "the certificate cannot be verified")
        return f"TLS: {fault} ({_first_line(cause.verify_message)})"
    word = getattr(cause, "reason", None) or getattr(error.__cause__, "reason", None) or type(cause).__name__
    return f"TLS: {_TLS_FAULTS.get(word, 'the server and this client found no common protocol')} ({word})"


def _payload(error: BaseException) -> tuple[type[RequestException], str]:
    """Tell a body that was cut short from one whose chunks are nonsense; both come as ClientPayloadError."""
    text = str(error)
    if "Not enough data" in text or "not completed" in text:
        return ChunkedEncodingError, "the connection ended before the body was complete"
    return MalformedResponse, f"the body is not valid HTTP: {_first_line(text)}"


def _other(error: BaseException) -> tuple[type[RequestException], str]:
    match error:
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return InvalidURL, "the HTTP client takes this for no URL"
        case aiohttp.ServerDisconnectedError():
            return ConnectionError, "the server closed the connection without an answer"
        case OSError() if error.errno is not None:
            return ConnectionError, f"the connection broke: {_system(error)}"
        case aiohttp.ClientError() | OSError() | RuntimeError():
            return ConnectionError, f"the connection broke ({type(error).__name__})"
    return RequestException, f"the request cannot be sent: {_first_line(str(error))}"


def _system(error: OSError) -> str:
    """Return the system's words for `error`, without the address that asyncio puts into them."""
    if error.errno is not None and error.errno in errno.errorcode and not isinstance(error, socket.gaierror):
        return os.strerror(error.errno)
    return _first_line(error.strerror or type(error).__name__)


def _first_line(text: str) -> str:
    """Return the first line of foreign text, short, without control characters and without the bytes it quotes."""
    line = text.strip().partition("\n")[0].partition(" when reading: b")[0].rstrip(":")
    return repr(line[:MAX_QUOTED])[1:-1]
