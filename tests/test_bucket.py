"""What is special to a bucket: its address, its failures, what it never writes twice."""

from __future__ import annotations

from typing import Any

import obstore
import pytest
from obstore.store import S3Store

from service.errors import ServiceError
from service.third_party.bucket import BucketBlobs
from tests.bucket_service import BucketService

RUN, UPLOAD = "a" * 32, "b" * 32


@pytest.mark.parametrize(
    "url", ["", "s3://", "https://bucket/x", "/data/blobs", "s3://key:secret@bucket/x", "s3://b/x?y=1"]
)
def test_an_address_of_another_kind_is_refused(url):
    """Credentials never stand in an address."""
    with pytest.raises(ServiceError) as caught:
        BucketBlobs.at(url, {})
    assert "E_BLOBS_URL" == caught.value.code


@pytest.mark.parametrize(("host", "refused"), [("s3.example.org", True), ("10.0.0.1", True), ("127.0.0.1:9", False)])
def test_a_service_in_clear_is_on_this_machine_only(host, refused):
    """Anything else is https."""
    members = {"endpoint": f"http://{host}", "access_key_id": "x", "secret_access_key": "y", "region": "r"}
    code = ""
    try:
        BucketBlobs.at("s3://bucket/x", members)
    except ServiceError as error:
        code = error.code
    assert ("E_BLOBS_URL" if refused else "") == code


def test_objects_are_named_as_said(bucket: BucketService):
    """PREFIX/RUN/UPLOAD/NUMBER: an operator finds a run, and nothing else is written."""
    blobs = BucketBlobs.at("s3://bucket/named/as/said", bucket.members)
    blobs.write(RUN, UPLOAD, 12, b"sealed")
    members: Any = dict(bucket.members)
    whole: Any = S3Store("bucket", config=members, client_options={"allow_http": True})
    (objects,) = list(obstore.list(whole, prefix="named"))
    assert [(f"named/as/said/{RUN}/{UPLOAD}/12", 6)] == [(one["path"], one["size"]) for one in objects]


def test_a_service_that_is_away_is_a_failing_disk_and_comes_back(bucket: BucketService):
    """OSError without the address or the key; used again without opening it again."""
    own = BucketService()
    blobs = BucketBlobs.at("s3://bucket/away", {**own.members, "access_key_id": "temoin"})
    blobs.write(RUN, UPLOAD, 0, b"x")
    own.stop()
    for call in (lambda: blobs.write(RUN, UPLOAD, 1, b"y"), lambda: blobs.drop_run(RUN)):
        with pytest.raises(OSError, match="does not answer") as caught:
            call()
        assert not {"temoin", own.endpoint} & set(str(caught.value).split())
        assert None is caught.value.__cause__
    own.start()
    blobs.write(RUN, UPLOAD, 2, b"z")
    assert b"z" == blobs.read(RUN, UPLOAD, 2)
    own.stop()
