import requests

url = "https://{domain_url}/api/v1/oms/setup/webhooks/execute/"
token = "f532eXXXXXXXXXXXXXXXXX201XXXXX9332d"

headers = {
'Content-Type': 'application/json',
'Authorization': f'Token {token}'
}

response = requests.request('POST', url, headers=headers)

print(response.status_code)
