-- The certificate by which the other hosts know a host, and where it serves its files. It counts once it is admitted.
CREATE TABLE host_certificates (
    -- The name of the host; it need not have an agent.
    host         text PRIMARY KEY CHECK (length(host) BETWEEN 1 AND 255),
    -- Of the certificate, as `magicfs.gateway.identity` writes it.
    fingerprint  text NOT NULL UNIQUE CHECK (length(fingerprint) <= 100),
    -- PEM.
    certificate  text NOT NULL CHECK (length(certificate) <= 4000),
    -- HOST:PORT where it serves; null while it does not.
    address      text CHECK (length(address) <= 300),
    requested_at timestamptz NOT NULL DEFAULT now(),
    admitted_at  timestamptz
);
