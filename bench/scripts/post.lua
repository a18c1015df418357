-- POST with a JSON body read from a file; %d in it is a running number.
local body, number = "", 0

function init(arguments)
  local file = io.open(arguments[1] or "", "r")
  if file then
    body = file:read("*a")
    file:close()
  end
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  number = number + 1
  return wrk.format("POST", wrk.path, nil, (body:gsub("%%d", number)))
end
