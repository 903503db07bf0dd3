"""The names of what the pusher takes and tells."""

from __future__ import annotations

MODEL = "model"
MODEL_BLESSING = "model_blessing"
INFRA_BLESSING = "infra_blessing"
FRESHNESS_BLESSING = "freshness_blessing"
MODEL_CARD = "model_card"
PUSHED_MODEL = "pushed_model"
BASE_DIRECTORY = "base_directory"
RUN_ID = "run_id"

# Of a PushedModel, as TFX's own pusher names them: whether the model is published, where, and as which version.
PUSHED = "pushed"
DESTINATION = "pushed_destination"
VERSION = "pushed_version"
# Of a PushedModel: why it is not published; whether it was published by this execution, or was the newest version already;
# the older version that it was published as before; the version that it took the place of, and the data of that one if it
# is not the model's.
REFUSED = "refused"
IS_NEW = "is_new"
AGAIN = "again"
REPLACED = "replaced"
REPLACED_DATA = "replaced_data"
# Of a blessing that is none: why.
REASON = "reason"
