Public rooms can be searched for by words in their names, descriptions and addresses (XEP-0433).
