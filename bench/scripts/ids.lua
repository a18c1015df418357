-- GET {path}{id} with ids from a file, in turn.
local ids, position = {}, 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    ids[#ids + 1] = line
  end
end

function request()
  position = position % #ids + 1
  return wrk.format("GET", wrk.path .. ids[position])
end
