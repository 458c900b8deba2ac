-- Run once by the image, as its superuser, when the volume is empty. Two roles, neither of them a superuser:
-- willcall_owner owns the tables and migrates them; willcall, the running processes, reads and writes rows.
\getenv owner_password WILLCALL_OWNER_PASSWORD
\getenv password WILLCALL_DATABASE_PASSWORD

CREATE ROLE willcall_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'owner_password';
CREATE ROLE willcall LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'password';

REVOKE ALL ON DATABASE willcall FROM PUBLIC;
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE willcall TO willcall_owner;
GRANT CONNECT ON DATABASE willcall TO willcall;

ALTER SCHEMA public OWNER TO willcall_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO willcall;

-- What the owner will make, the processes may use.
ALTER DEFAULT PRIVILEGES FOR ROLE willcall_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO willcall;
ALTER DEFAULT PRIVILEGES FOR ROLE willcall_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO willcall;
