-- What the device told of the certificate that a secure backup is encrypted for: a JSON object.
ALTER TABLE task_execution ADD COLUMN certificate TEXT CHECK (certificate IS NULL OR json_valid(certificate));
