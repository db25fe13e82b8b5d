"""A web form whose leads go to a list: a view of a Flask app, which in Django is written alike.

LIST_ID=333 CONVOSO_AUTH_TOKEN=... python examples/lead_form.py

It needs Flask: pip install flask
"""

import os

from flask import Flask, request

from convoso_sync import Convoso, ConvosoError, DuplicateError, InvalidRequestError, OutcomeUnknownError

app = Flask(__name__)
client = Convoso(timeout=5, deadline=10)  # one for the process; somebody waits for the page


@app.post("/lead")
def lead() -> tuple[str, int]:
    """Adds a lead, once: what a visitor sees, and the HTTP status."""
    try:
        added = client.leads.insert(
            list_id=os.environ["LIST_ID"],
            phone_number=request.form["phone"],
            first_name=request.form.get("name"),
            check_dup=1,
        )
    except DuplicateError:
        return "We have your number already.", 200
    except InvalidRequestError:
        return "That is no phone number.", 422
    except OutcomeUnknownError as error:
        app.logger.error("look whether it arrived: %s", error)  # sent again, it could be there twice
        return "Thank you.", 202
    except ConvosoError as error:
        app.logger.error("not added: %s", error)
        return "Please try again in a few minutes.", 503
    return f"Thank you. Your number is {added.lead_id}.", 201


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "8000")))
