-- GET of a path in which NUMBER is a running number.
local number = 0

function init(arguments)
  number = tonumber(arguments[1] or "0")
end

function request()
  number = number + 1
  return wrk.format("GET", (wrk.path:gsub("NUMBER", number)))
end
