"""What cibuildwheel runs in the image with the wheel installed: that it loads there and decides."""

import ferrule_email_validator_ext as ext

assert ext.is_valid_email("joe@example.com") == '{"decision":"Allowed"}'
assert ext.is_valid_email("joe@") == '{"decision":"Denied","blocked":["INVALID"]}'
