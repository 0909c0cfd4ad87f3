"""What is stored of the messages to a contact."""

from chalicelib.store.records import OutboundRecord


def outbound_records(contact_id: str, *, limit: int) -> list[OutboundRecord]:
    """Return the newest messages to a contact, newest first."""
    return list(
        OutboundRecord.query(
            f"CONTACT#{contact_id}", OutboundRecord.sk.startswith("MSG#"), scan_index_forward=False, limit=limit
        )
    )
