Uploads can lie in a bucket of an S3-compatible store, or with another program as for mod_http_upload_external; no
byte of them comes through the server then.
