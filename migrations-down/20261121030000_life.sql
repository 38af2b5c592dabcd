DROP TABLE upload_files;
DROP TABLE uploads;
DROP TRIGGER render_jobs_no_delete;
DROP TRIGGER configurations_no_replace;
DROP TRIGGER configurations_no_delete;
DROP TRIGGER configuration_versions_not_after_purge;
DROP TRIGGER configuration_versions_no_update;
CREATE TRIGGER configuration_versions_no_update BEFORE UPDATE ON configuration_versions
BEGIN SELECT RAISE(ABORT, 'configuration_versions is immutable'); END;
DROP TABLE purges;
