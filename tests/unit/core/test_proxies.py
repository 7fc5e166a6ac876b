from __future__ import annotations

import pytest

from ferrule.core.proxies import proxy_of

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        ("https://a.example/x", {}, None),
        ("https://a.example/x", {"https_proxy": PROXY}, PROXY),
        ("https://a.example/x", {"HTTPS_PROXY": PROXY}, PROXY),
        ("https://a.example/x", {"http_proxy": PROXY}, None),
        ("http://a.example:80/x", {"http_proxy": PROXY}, PROXY),
        ("https://a.example/x", {"all_proxy": PROXY}, PROXY),
        ("https://a.example/x", {"https_proxy": PROXY, "no_proxy": "b.example, .example"}, None),
        ("https://a.example/x", {"https_proxy": PROXY, "no_proxy": "*.example"}, None),
        ("https://a.example/x", {"https_proxy": PROXY, "NO_PROXY": "*"}, None),
        ("https://a.example/x", {"https_proxy": PROXY, "no_proxy": "ple"}, PROXY),
        ("https://a.example/x", {"https_proxy": ""}, None),
    ],
)
def test_proxy_is_the_one_that_the_environment_names(url, environment, proxy):
    assert proxy_of(url, environment) == proxy
