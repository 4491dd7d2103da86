"""What rows of all the registry's CSV files have in common."""

from pydantic import BaseModel, ConfigDict


class Row(BaseModel):
    """A validator over several columns begins its message with the column to look at, and a colon."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
