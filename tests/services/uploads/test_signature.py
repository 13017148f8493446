"""AWS Signature Version 4 by query parameters, beside what Amazon shows and what botocore 1.42 gives."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.uploads.signature import MOST_S, Credentials, presigned

MOMENT = 1767323045.0
"""2026-01-02T03:04:05Z."""
OURS = Credentials("AKIDEXAMPLE", "a secret/key+", "eu-central-1")


def signature(url: str) -> str:
    """The signature in an address."""
    return url.rpartition("X-Amz-Signature=")[2]


class PresignedTests(SynchronousTestCase):
    """`presigned`."""

    def test_as_amazon_shows(self) -> None:
        """The example of "Authenticating Requests: Using Query Parameters"."""
        credentials = Credentials(
            "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"
        )
        url = presigned(
            "GET", "https://examplebucket.s3.amazonaws.com/test.txt", credentials, 1369353600.0, 86_400
        )
        self.assertEqual(signature(url), "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")

    def test_as_botocore(self) -> None:
        """With a size that is signed, with what a response shall say, and for a removal."""
        told = {
            "response-content-type": "image/png",
            "response-content-disposition": "inline; filename=\"a b.png\"; filename*=UTF-8''a%20b.png",
            "response-cache-control": "private, max-age=31536000, immutable",
        }
        put = presigned(
            "PUT",
            "https://s3.example.org/uploads/AbC-d_1",
            OURS,
            MOMENT,
            300,
            headers={"content-length": "1234"},
        )
        get = presigned("GET", "https://s3.example.org:9000/uploads/AbC-d_1", OURS, MOMENT, 900, query=told)
        delete = presigned("DELETE", "https://uploads.s3.example.org/AbC-d_1", OURS, MOMENT, 60)
        self.assertEqual(
            [signature(url) for url in (put, get, delete)],
            [
                "8fee916a406865fa1646654c6ffcc4a4ad7fac3961e0828f1afa253b3b5e86bb",
                "74dc82bab3117cbf47ce86fe43c0626ea9488b80dc46926a515ca6c7307c30c9",
                "d0576c8cc925ac7acf6d108198741a91be9fbc561a75ddba1c71025de680d79b",
            ],
        )
        self.assertIn("X-Amz-SignedHeaders=content-length%3Bhost&", put)

    def test_no_longer_than_a_week(self) -> None:
        """The store would take no other."""
        url = presigned("GET", "https://a/b", OURS, MOMENT, MOST_S + 1)
        self.assertIn(f"X-Amz-Expires={MOST_S}&", url)
