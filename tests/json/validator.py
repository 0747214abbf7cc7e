# Reads documents with their schemas, judges each with the package jsonschema, and says what does not hold.
import json
import sys

from jsonschema import Draft202012Validator

cases = json.load(sys.stdin)
wrong = []
for number, (schema, document) in enumerate(cases):
    Draft202012Validator.check_schema(schema)
    for error in Draft202012Validator(schema).iter_errors(document):
        wrong.append(f"{number}: {schema['title']}: {error.json_path}: {error.message[:2000]}")
if wrong:
    sys.exit("\n".join(wrong))
print(f"{len(cases)} documents hold")
