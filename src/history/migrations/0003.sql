-- Where a file stands is written from the store on, and beside it where the store was then: a store
-- that moves, to a larger disk or to another machine, takes its backups with it. Every path that was
-- written so far is <store>/<device>/domain/<domain>/<file> or
-- <store>/<device>/secure-backup/<timestamp>/<file>: its last four steps are the path from the store on.
-- rtrim with all that is no slash takes the last step off.
ALTER TABLE file ADD COLUMN store TEXT;

-- When `prune` began to remove a file. Set before it is touched, and gone again where it stays: who misses
-- the file finds here why.
ALTER TABLE file ADD COLUMN removal_time TEXT;

UPDATE file SET store = found.store, path = substr(path, length(found.above) + 1)
FROM (
    SELECT id, above, CASE rtrim(above, '/') WHEN '' THEN '/' ELSE rtrim(above, '/') END AS store
    FROM (
        SELECT id, kind, kinds, rtrim(rtrim(devices, '/'), steps) AS above
        FROM (
            SELECT id, kind, steps, kinds, rtrim(rtrim(kinds, '/'), steps) AS devices
            FROM (
                SELECT id, kind, steps, rtrim(rtrim(rtrim(path, steps), '/'), steps) AS kinds
                FROM (SELECT id, kind, path, replace(path, '/', '') AS steps FROM file WHERE path GLOB '/*')
            )
        )
    )
    WHERE kinds LIKE CASE kind WHEN 'secure-backup' THEN '%/secure-backup/' ELSE '%/domain/' END
        AND above GLOB '/*'
) AS found
WHERE file.id = found.id;

-- The last good backup of a device and domain is one that was not pruned.
UPDATE backup_target SET (good_task_execution_id, good_time, good_size) = (
    SELECT t.id, t.end_time, sum(f.size)
    FROM task_execution AS t CROSS JOIN file AS f ON f.task_execution_id = t.id
    WHERE t.device_name = backup_target.device_name AND t.domain_name = backup_target.domain_name
        AND t.status = 'SUCCESS' AND f.kind = backup_target.kind AND f.pruned_time IS NULL
    GROUP BY t.id ORDER BY t.id DESC LIMIT 1)
WHERE EXISTS (
    SELECT 1 FROM file AS f
    WHERE f.task_execution_id = good_task_execution_id AND f.kind = backup_target.kind
        AND f.pruned_time IS NOT NULL);
