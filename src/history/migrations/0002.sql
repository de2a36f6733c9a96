-- Whose file lies at a path, for `verify` and `diff` of a file or a folder: without an
-- index, every file that was ever stored had to be looked at.
CREATE INDEX file_by_path ON file (path);

-- The files of a domain that hold one content. An index on the content alone led to those of
-- every device of a fleet that is set up alike, night after night.
DROP INDEX file_kept_by_content;
DROP INDEX task_execution_by_device;
CREATE INDEX task_execution_by_device ON task_execution (device_name, domain_name);
