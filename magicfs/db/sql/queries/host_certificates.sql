-- name: list_certificates
-- All certificates, by the names of their hosts.
SELECT left(host, 1024), left(fingerprint, 1024), left(certificate, 4096), left(address, 1024), admitted_at IS NOT NULL
FROM host_certificates ORDER BY host

-- name: request_admission
-- The certificate of a host, unless another one of that host is admitted.
INSERT INTO host_certificates (host, fingerprint, certificate)
VALUES (%(host)s, %(fingerprint)s, %(certificate)s)
ON CONFLICT (host) DO UPDATE
SET fingerprint = excluded.fingerprint, certificate = excluded.certificate, requested_at = now(), address = NULL
WHERE host_certificates.admitted_at IS NULL AND host_certificates.fingerprint <> excluded.fingerprint

-- name: find_certificate
-- The certificate of a host.
SELECT host, fingerprint, certificate, address, admitted_at IS NOT NULL FROM host_certificates WHERE host = %(host)s

-- name: set_address
-- Where a host serves, by its certificate; null when it does not serve any more.
UPDATE host_certificates SET address = %(address)s WHERE host = %(host)s AND fingerprint = %(fingerprint)s

-- name: admit
-- A certificate that waits for admission.
UPDATE host_certificates SET admitted_at = coalesce(admitted_at, now())
WHERE host = %(host)s AND fingerprint = %(fingerprint)s
RETURNING host, fingerprint, certificate, address, true

-- name: delete_other_names
-- A certificate under another name than that of its host.
DELETE FROM host_certificates WHERE fingerprint = %(fingerprint)s AND host <> %(host)s

-- name: put_certificate
-- The certificate of a host, whatever there is.
INSERT INTO host_certificates (host, fingerprint, certificate, address, admitted_at)
VALUES (%(host)s, %(fingerprint)s, %(certificate)s, %(address)s, CASE WHEN %(admitted)s THEN now() END)
ON CONFLICT (host) DO UPDATE
SET fingerprint = excluded.fingerprint, certificate = excluded.certificate, address = excluded.address,
    admitted_at = excluded.admitted_at

-- name: delete_certificate
-- The certificate of a host.
DELETE FROM host_certificates WHERE host = %(host)s
