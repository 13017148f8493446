``http.acme_folder`` serves what certbot and the like answer a certificate authority with.
