BOSH costs less than half of what it did: requests that come whole, as clients' usually do, are read without a detour.
