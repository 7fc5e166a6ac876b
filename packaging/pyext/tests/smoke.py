"""What cibuildwheel runs in the image with the wheel installed: that it loads there and decides."""

import ferrule_email_validator_ext as ext

said = [ext.is_valid_email(address) for address in ("joe@example.com", "joe@")]
if said != ['{"decision":"Allowed"}', '{"decision":"Denied","blocked":["INVALID"]}']:
    raise SystemExit(f"another decision: {said}")
