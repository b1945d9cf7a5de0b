-- SPDX-License-Identifier: MIT
-- title: What is broken, unsafe or could not be read
-- about: Findings of the latest scan, the worst first, those that were accepted (`imgaudit accept`) last. Codes are stable; details are for people and may change.
-- about: While there is a finding with `hides`, there may be references that imgaudit cannot see, and no file is proven
-- about: unused.
-- column: code | text | what was found, one stable word
-- column: severity | text | error, warning or info
-- column: path | path | the image, file or directory
-- column: detail | text | the particulars
-- column: first_seen | time | start of the scan since which every scan has found it, as far back as scans are kept
-- column: last_seen | time | start of the latest scan that found it
-- column: hides | flag | because of it there may be references that are unknown
-- column: accepted_by | count | number of the line of `imgaudit accept --list` that accepts it; empty: none does
SELECT code, severity, path, detail, first_seen, last_seen, hides, accepted_by
FROM v_finding
WHERE NOT cleared
ORDER BY accepted_by IS NOT NULL, CASE severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, code, path, detail;
